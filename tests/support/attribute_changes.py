"""Import files, and change the type of attributes or merge them, in tests."""

from pathlib import Path

from config.platform.accounts.models import User
from config.platform.jobs.models import ENDED_WELL
from segments.attribute_changes import actions, job
from segments.attribute_changes.conversion import NO_SOURCE, plan_for
from segments.models import AttributeChange, DataSource, ImportJob, ProfileAttribute
from segments.sources import actions as source_actions
from segments.sources import import_job
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType
from tests.support.profiles import all_profiles


def attribute(name: str) -> ProfileAttribute:
    """Return the row of an attribute."""
    return ProfileAttribute.objects.get(name=name)


def text_plan(*columns: str) -> list[ColumnPlan]:
    """Return plans that import columns as texts."""
    return [ColumnPlan(column) for column in columns]


def import_file(
    path: Path, text: str, *, source: str = "File", plans: list[ColumnPlan] | None = None
) -> ImportJob:
    """Import a file with the key column “id”. Returns the ended job."""
    path.write_text(text)
    queued = source_actions.start_import(
        path=path, key_column="id", source_name=source, plans=plans or (), by=None, wake_worker=False
    )
    done = import_job.run_import(queued.pk)
    assert done is not None
    assert done.status in ENDED_WELL, done.message
    return done


def source_of(job: ImportJob) -> DataSource:
    """Return the data source of an import as it is now."""
    return DataSource.objects.get(pk=job.source_id)


def request_retype(
    name: str,
    kind: ColumnType,
    *,
    by: User,
    spelling: ColumnFormat | None = None,
    accepted: int = 0,
    plans: dict[str, ColumnPlan] | None = None,
) -> AttributeChange:
    """Queue a change of the type of an attribute."""
    given = {NO_SOURCE: plan_for(kind, spelling), **(plans or {})}
    return actions.request_retype(attribute(name), given, accepted_misfits=accepted, by=by, wake_worker=False)


def retype(
    name: str, kind: ColumnType, *, by: User, spelling: ColumnFormat | None = None, accepted: int = 0
) -> AttributeChange:
    """Change the type of an attribute. Returns the ended change."""
    done = job.run_change(request_retype(name, kind, by=by, spelling=spelling, accepted=accepted).pk)
    assert done is not None
    return done


def merge(
    merged: str,
    target: str,
    *,
    by: User,
    accepted: int = 0,
    spelling: ColumnFormat | None = None,
) -> AttributeChange:
    """Merge an attribute into another one. Returns the ended change."""
    kind = ColumnType(attribute(target).data_type)
    queued = actions.request_merge(
        attribute(merged),
        attribute(target),
        {NO_SOURCE: plan_for(kind, spelling)},
        accepted_misfits=accepted,
        by=by,
        wake_worker=False,
    )
    done = job.run_change(queued.pk)
    assert done is not None
    return done


def values(name: str) -> list[object]:
    """Return the values that profiles have for an attribute, by their IDs."""
    return [each.attributes.get(name) for each in all_profiles()]


def originals(name: str) -> list[str | None]:
    """Return the original texts that are kept beside the values of an attribute."""
    return [each.originals.get(name) for each in all_profiles()]

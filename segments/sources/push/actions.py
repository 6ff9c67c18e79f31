"""Create data sources for pushed profiles, accept profiles, and finish snapshots."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Sum

from config.platform import retention
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit, enqueue_unless_waiting
from segments import catalog, permissions
from segments.models import DataSource, ImportJob, ImportMode, PushedBatch, PushSnapshot
from segments.sources import held_imports
from segments.sources.column_plan import ColumnPlan, ColumnType, plans_from_list, plans_to_list
from segments.sources.push import merge
from segments.sources.push.ended import conclude_ended
from segments.sources.push.inbox import FILE_NAME, new_job
from segments.sources.push.rows import CheckedRows, check_rows


class PushRefused(Exception):
    """Profiles cannot be accepted now; the message is a sentence for programs."""


@transaction.atomic
def create_source(
    *, name: str, key_columns: Sequence[str], columns: dict[str, ColumnType], by: User
) -> DataSource:
    """Create a data source for pushed profiles. ``columns`` are its attributes with their types, the key columns
    among them. Raises PushRefused, and catalog.TooManyAttributes."""
    permissions.check_can_manage_data_sources(by)
    _check_columns(key_columns, columns)
    plans = [ColumnPlan(each, type=kind) for each, kind in columns.items()]
    first, *further = key_columns
    try:
        with transaction.atomic():
            source = DataSource.objects.create(
                name=name,
                key_column=first,
                further_key_columns=further,
                is_pushed=True,
                column_plans=plans_to_list(plans),
            )
    except IntegrityError:
        raise PushRefused("There is a data source with this name.") from None
    record("created", source, by=by, changes={"key_column": (None, source.key_label)})
    return source


def accept(
    source: DataSource, profiles: Sequence[object], *, snapshot: PushSnapshot | None = None, by: User
) -> CheckedRows:
    """Store the profiles that fit in the inbox, and return them with the errors of the others. A profile replaces
    the one with its key: attributes that it does not name are empty. Raises PushRefused."""
    permissions.check_can_manage_data_sources(by)
    if not source.is_pushed:
        raise PushRefused("The profiles of this data source come from elsewhere.")
    plans = [plan for plan in plans_from_list(source.column_plans) if not plan.is_ignored]
    found = check_rows(profiles, plans, source.key_columns)
    if not found.lines:
        return found
    with transaction.atomic():
        if snapshot is not None:
            _lock_open(snapshot)
        PushedBatch.objects.create(
            source=source,
            snapshot=snapshot,
            columns=[plan.column for plan in plans],
            keys=found.keys,
            lines=found.lines,
            size=len(found.lines),
            byte_count=sum(len(line.encode()) for line in found.lines),
            accepted=len(found.lines),
            pushed_by=by,
        )
        if snapshot is None:
            transaction.on_commit(lambda: enqueue_unless_waiting(merge.TASK, source.pk))
    return found


@transaction.atomic
def start_snapshot(source: DataSource, *, by: User) -> PushSnapshot:
    """Start a snapshot of a data source. Raises PushRefused."""
    permissions.check_can_manage_data_sources(by)
    if not source.is_pushed:
        raise PushRefused("The profiles of this data source come from elsewhere.")
    return PushSnapshot.objects.create(source=source, started_by=by)


@transaction.atomic
def finish_snapshot(snapshot: PushSnapshot, *, profiles: int, by: User) -> ImportJob:
    """Queue the import of a snapshot: profiles that are not in it leave, unless a guard holds them. ``profiles``
    is how many were accepted, so that none is missing unnoticed. When the import failed, a snapshot can be
    finished again. Raises PushRefused."""
    permissions.check_can_manage_data_sources(by)
    conclude_ended(DataSource.objects.select_for_update(no_key=True).get(pk=snapshot.source_id))
    _lock_open(snapshot)
    batches = PushedBatch.objects.filter(snapshot=snapshot)
    known = batches.aggregate(sum=Sum("accepted", default=0))["sum"]
    if known != profiles or not known:
        raise PushRefused(f"The snapshot has {known} accepted profiles.")
    if len({tuple(each) for each in batches.values_list("columns", flat=True)}) > 1:
        raise PushRefused("The attributes of the data source have changed. Start the snapshot again.")
    job = new_job(snapshot.source, mode=ImportMode.SNAPSHOT, by=by)
    held_imports.cancel_replaced(job)
    batches.update(job=job)
    PushSnapshot.objects.filter(pk=snapshot.pk).update(job=job, finished_at=clock.now())
    record("import requested", snapshot.source, by=by, changes={"file": (None, FILE_NAME)})
    enqueue_on_commit("segments.tasks.import_file", job.pk)
    return job


def _lock_open(snapshot: PushSnapshot) -> None:
    """Lock a snapshot that is not finished. Raises PushRefused."""
    rows = PushSnapshot.objects.select_for_update(no_key=True).filter(pk=snapshot.pk, finished_at=None)
    if not rows.filter(started_at__gt=retention.PUSH_SNAPSHOTS.cutoff()).exists():
        raise PushRefused("The snapshot is finished, or older than a day.")


def _check_columns(key_columns: Sequence[str], columns: dict[str, ColumnType]) -> None:
    folded = {name.strip().casefold() for name in columns}
    if len(folded) < len(columns) or len(set(key_columns)) < len(key_columns):
        raise PushRefused("An attribute is named twice.")
    if not set(key_columns) <= columns.keys():
        raise PushRefused("The key columns must be among the attributes.")
    if any(columns[name] not in (ColumnType.TEXT, ColumnType.INTEGER) for name in key_columns):
        raise PushRefused("Key columns are texts or whole numbers.")
    known = catalog.find(columns)
    for name, attribute in known.items():
        if str(attribute.data_type) != columns.get(name, str(attribute.data_type)):
            raise PushRefused(f"The attribute “{name}” has the type {attribute.data_type} already.")
    catalog.check_limit(len(columns) - len(known))

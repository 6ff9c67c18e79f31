"""What people and programs do with segments and data sources. Each is one transaction and signs the record."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.notifications import alerts as notifications_alerts
from config.platform.web.versions import take_version
from segments import alerts, hooks, permissions
from segments.catalog import types_by_name
from segments.models import DataSource, ImportJob, Segment, SegmentRefresh
from segments.privacy.subjects import without_addresses
from segments.refresh import schedule
from segments.refresh import schedule as refresh_schedule
from segments.rules import describe
from segments.rules import tree as rule_trees
from segments.sources import csv_reader


class SegmentInUse(Exception):
    """It cannot be removed: exports use it. ``usages`` says which."""

    def __init__(self, usages: Sequence[hooks.Usage]) -> None:
        names = ", ".join(usage.name for usage in usages)
        super().__init__(_("The segment is used by: %(names)s.") % {"names": names})
        self.usages = usages


class SegmentRests(Exception):
    """It stays as it was drawn, so that other rules would not say who is in it."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "An inactive or static segment keeps its members. "
                "Activate it or make it dynamic to change its rules."
            )
        )


class KeyColumnDiffers(Exception):
    """The data source tells people apart by another column."""


class CannotBeReadAgain(Exception):
    """The data source has no file of its own: what was uploaded is kept only until it is read."""

    def __init__(self, source: DataSource) -> None:
        super().__init__(
            _("“%(name)s” was uploaded, and uploads are not kept. Import its file again.") % {"name": source}
        )


@transaction.atomic
def start_import(
    *,
    path: Path,
    key_column: str,
    source_name: str,
    by: User | None,
    file_name: str = "",
    wake_worker: bool = True,
) -> ImportJob:
    """Queue the import of a file into a data source, which is made if it is new. Raises FileRefused when the
    header cannot be used and KeyColumnDiffers when the source has another key; nothing is changed then.
    ``wake_worker=False`` leaves the work to the caller."""
    permissions.check_can_manage_data_sources(by)
    header = csv_reader.read_header(path, key=key_column)
    key = header.names[header.index_of(key_column)]
    source = DataSource.objects.filter(name__iexact=source_name).first()
    if source is None:
        source = DataSource.objects.create(name=source_name, key_column=key)
        record("created", source, by=by, changes={"key_column": (None, key)})
    elif source.key_column.casefold() != key.casefold():
        raise KeyColumnDiffers(
            _("“%(source)s” tells people apart by the column “%(known)s”, not “%(given)s”.")
            % {"source": source.name, "known": source.key_column, "given": key}
        )
    job = ImportJob.objects.create(
        source=source, file_name=file_name or path.name, path=str(path.absolute()), requested_by=by
    )
    record("import requested", source, by=by, changes={"file": (None, job.file_name)})
    if wake_worker:
        enqueue_on_commit("segments.tasks.import_file", job.pk)
    return job


@transaction.atomic
def refresh_data_source(source: DataSource, *, by: User | None, wake_worker: bool = True) -> ImportJob:
    """Queue reading the source's file anew; when that is queued or at work already, that one. What is wrong with
    the file is said by the import. Raises CannotBeReadAgain."""
    permissions.check_can_manage_data_sources(by)
    if not source.can_be_read_again:
        raise CannotBeReadAgain(source)
    job = ImportJob.objects.filter(source=source, path=source.path, status__in=OPEN).order_by("-pk").first()
    if job is None:
        file_name = Path(source.path).name
        job = ImportJob.objects.create(source=source, file_name=file_name, path=source.path, requested_by=by)
        record("import requested", source, by=by, changes={"file": (None, file_name)})
    if wake_worker:
        enqueue_on_commit("segments.tasks.import_file", job.pk)
    return job


@transaction.atomic
def cancel_import(job: ImportJob, *, by: User | None) -> None:
    """Ask for the import to stop; one that nobody works on ends at once."""
    permissions.check_can_manage_data_sources(by)
    _cancel(job)
    record("import canceled", job.source, by=by, changes={"file": (job.file_name, None)})


@transaction.atomic
def create_segment(
    *,
    name: str,
    rules_tree: Mapping[str, object],
    by: User | None,
    description: str = "",
    tags: Sequence[str] = (),
    wake_worker: bool = True,
) -> Segment:
    """A new segment, queued to be drawn; raises rules.InvalidRules."""
    permissions.check_can_manage_segments(by)
    rule_trees.check(rules_tree, types_by_name())
    segment = Segment.objects.create(
        name=name, description=description, rules=dict(rules_tree), tags=list(tags), created_by=by
    )
    record("created", segment, by=by, version=segment.version, changes={"rule": (None, _told(rules_tree))})
    request_refresh(segment, by=by, wake_worker=wake_worker)
    return segment


@transaction.atomic
def edit_segment(
    segment: Segment,
    *,
    version: int,
    name: str,
    rules_tree: Mapping[str, object],
    by: User | None,
    description: str = "",
    tags: Sequence[str] | None = None,
    wake_worker: bool = True,
) -> Segment:
    """Change a segment that was read at ``version``; it is drawn again when its rules have changed. Without
    ``tags`` it keeps those that it has. Raises StaleEdit when somebody was faster, SegmentRests, and
    rules.InvalidRules."""
    permissions.check_can_manage_segments(by)
    rule_trees.check(rules_tree, types_by_name())
    take_version(segment, version)
    segment.refresh_from_db()
    before = _described(segment)
    rules_changed = segment.rules != rules_tree
    if rules_changed and refresh_schedule.why_not_drawn(segment):
        segment.version = version  # the new one is undone with everything else
        raise SegmentRests
    segment.name, segment.description, segment.rules = name, description, dict(rules_tree)
    segment.tags = segment.tags if tags is None else list(tags)
    segment.save(update_fields=["name", "description", "rules", "tags"])
    after = _described(segment)
    changes = {
        field: (without_addresses(before[field]), without_addresses(after[field]))
        for field in before
        if before[field] != after[field]
    }
    record("edited", segment, by=by, version=segment.version, changes=changes)
    if rules_changed:
        request_refresh(segment, by=by, wake_worker=wake_worker)
    return segment


@transaction.atomic
def duplicate_segment(segment: Segment, *, by: User) -> Segment:
    """A copy with the same rules under a free name, queued to be drawn once. Nothing uses it yet, and its schedule
    is off."""
    permissions.check_can_manage_segments(by)
    copy = Segment.objects.create(
        name=_free_name(segment.name),
        description=segment.description,
        rules=segment.rules,
        tags=segment.tags,
        created_by=by,
    )
    schedule.copy_switched_off(segment, copy)
    record("duplicated", copy, by=by, version=copy.version, changes={"from": (None, segment.name)})
    request_refresh(copy, by=by)
    return copy


@transaction.atomic
def activate_segment(segment: Segment, *, by: User) -> None:
    """Let the segment be refreshed again, and do so at once."""
    if _switch(segment, "is_active", True, "activated", by):
        request_refresh(segment, by=by)


@transaction.atomic
def deactivate_segment(segment: Segment, *, by: User) -> None:
    """Leave the segment as it is: it is not refreshed and shows Skipped."""
    if _switch(segment, "is_active", False, "deactivated", by):
        skip_refresh(segment, message=refresh_schedule.why_not_drawn(segment))


@transaction.atomic
def make_static(segment: Segment, *, by: User) -> None:
    """Keep the members that the segment has now."""
    _switch(segment, "is_static", True, "made_static", by)


@transaction.atomic
def make_dynamic(segment: Segment, *, by: User) -> None:
    """Let the rules say again who is in it."""
    if _switch(segment, "is_static", False, "made_dynamic", by) and segment.is_active:
        request_refresh(segment, by=by)


def _switch(segment: Segment, field: str, value: bool, action: str, by: User) -> bool:
    """Set a flag; False when it was set already."""
    permissions.check_can_manage_segments(by)
    locked = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    if getattr(locked, field) == value:
        return False
    setattr(segment, field, value)
    segment.save(update_fields=[field])
    record(action, segment, by=by)
    return True


def _described(segment: Segment) -> dict[str, str]:
    return {
        "name": segment.name,
        "description": segment.description,
        "tags": ", ".join(segment.tags),
        "rule": describe.sentence(segment.rules),
    }


@transaction.atomic
def remove_segment(segment: Segment, *, by: User) -> None:
    """Remove a segment; raises SegmentInUse while something uses it. The profiles stay."""
    permissions.check_can_manage_segments(by)
    segment = Segment.objects.select_for_update().get(pk=segment.pk)
    if usages := hooks.segment_users.usages(segment.pk):
        raise SegmentInUse(usages)
    record("removed", segment, by=by, changes={"rule": (_told(segment.rules), None)})
    notifications_alerts.forget(alerts.subject_of(segment))
    segment.members.all()._raw_delete(using="default")
    segment.delete()


@transaction.atomic
def request_refresh(segment: Segment, *, by: User | None, wake_worker: bool = True) -> SegmentRefresh:
    """Queue the drawing of a segment; when one is queued or at work already, that one."""
    permissions.check_can_manage_segments(by)
    Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    open_one = SegmentRefresh.objects.filter(segment=segment, status__in=OPEN).first()
    job = open_one or SegmentRefresh.objects.create(segment=segment, requested_by=by)
    if wake_worker:
        enqueue_on_commit("segments.tasks.refresh_segment", job.pk)
    return job


@transaction.atomic
def cancel_refresh(job: SegmentRefresh, *, by: User | None) -> None:
    """Ask for the drawing to stop: the segment stays as it was. One that nobody works on ends at once."""
    permissions.check_can_manage_segments(by)
    _cancel(job)
    record("refresh canceled", job.segment, by=by)


@transaction.atomic
def skip_refresh(segment: Segment, *, message: str) -> SegmentRefresh:
    """Note that the segment was due and not drawn, and why."""
    moment = clock.now()
    return SegmentRefresh.objects.create(
        segment=segment, status=JobStatus.SKIPPED, created_at=moment, finished_at=moment, message=message
    )


def _free_name(name: str) -> str:
    base = _("%(name)s – copy") % {"name": name[:90]}  # the longest name has room for the words and a number
    candidate, number = base, 2
    while Segment.objects.filter(name__iexact=candidate).exists():
        candidate, number = f"{base} {number}", number + 1
    return candidate


def _told(tree: Mapping[str, object]) -> str:
    """A rule for the record, which is kept for good: without the addresses in it."""
    return without_addresses(describe.sentence(tree))


def _cancel(job: ImportJob | SegmentRefresh) -> None:
    moment = clock.now()
    ended = (
        leases.claimable(type(job))
        .filter(pk=job.pk)
        .update(status=JobStatus.CANCELED, finished_at=moment, cancel_requested_at=moment)
    )
    if not ended:
        type(job)._default_manager.filter(pk=job.pk, status__in=OPEN).update(cancel_requested_at=moment)

"""What a tick starts: a run for every export that is due, once for each due moment."""

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from config.platform.db import insert_alike
from config.platform.jobs.models import JobStatus, TickResult
from config.platform.schedules import ticks
from config.platform.schedules.ticks import Due
from exports.models import Export, ExportSchedule, ExportTick, Run, RunEvent, RunKind, Trigger

DueExport = Due[ExportSchedule]
# Reading a whole connection would open its credentials, for nothing.
_NEEDED = ("rule", "due_at", "export__name", "export__connection__export_user_id")


@transaction.atomic
def start_due() -> int:
    """Start what is due, one batch of it, and say how many were due."""
    staying = ExportSchedule.objects.filter(export__removal_asked_at=None)
    schedules = staying.select_related("export__connection").only(*_NEEDED)
    claimed = ticks.claim_due(schedules, lock=("self", "export"))
    due = ticks.not_yet_noticed(claimed, ExportTick.objects.all(), owner="export")
    to_start = [found for found in due if not found.is_passed_over and found.schedule.export.connection_id]
    exports = [found.schedule.export for found in to_start]
    numbers, queued = _runs_of(exports)
    started = _start([export for export in exports if export.pk not in queued], numbers)
    _record(due, queued, started)
    return len(due)


_NO_CLEANUP = ~Q(kind=RunKind.LIST_CLEANUP)


def _runs_of(exports: Sequence[Export]) -> tuple[dict[int, int], dict[int, int]]:
    """By export: the number of its last run, and the run that waits in the queue, which a tick joins. Each is
    looked up alone, since an export may have run thousands of times."""
    mine = Run.objects.filter(export=OuterRef("pk"))
    found = Export.objects.filter(pk__in=[export.pk for export in exports]).values_list(
        "pk",
        Coalesce(Subquery(mine.order_by("-number").values("number")[:1]), 0),
        Subquery(mine.filter(_NO_CLEANUP, status=JobStatus.QUEUED).order_by().values("pk")[:1]),
    )
    rows = list(found)
    numbers = {export: number for export, number, _queued in rows}
    return numbers, {export: queued for export, _number, queued in rows if queued is not None}


def _start(exports: Sequence[Export], numbers: Mapping[int, int]) -> dict[int, int]:
    """Queue a run for each, on behalf of the export user; by export."""
    keys = [export.pk for export in exports]
    # A run takes the place of a retry that was still to come.
    retries = Run.objects.filter(_NO_CLEANUP, export__in=keys, status=JobStatus.FAILURE)
    retries.exclude(resume_at=None).update(resume_at=None)
    runs = insert_alike(
        Run(trigger=Trigger.SCHEDULE),
        export_id=keys,
        number=[numbers[key] + 1 for key in keys],
        requested_by_id=[export.connection.export_user_id if export.connection else None for export in exports],
    )
    insert_alike(RunEvent(to_status=JobStatus.QUEUED), run_id=runs)
    return dict(zip(keys, runs, strict=True))


def _record(due: Sequence[DueExport], queued: Mapping[int, int], started: Mapping[int, int]) -> None:
    """Write down each due moment, and its result."""
    runs = {**queued, **started}
    insert_alike(
        ExportTick(),
        export_id=[found.schedule.export_id for found in due],
        run_id=[runs.get(found.schedule.export_id) for found in due],
        result=[_result(found, queued) for found in due],
        due_at=[found.due_at for found in due],
        missed_since=[found.missed_since for found in due],
        was_missed=[found.was_missed for found in due],
    )


def _result(found: DueExport, queued: Mapping[int, int]) -> TickResult:
    if found.is_passed_over:
        return TickResult.PASSED_OVER
    if found.schedule.export.connection_id is None:
        return TickResult.IMPOSSIBLE
    return TickResult.JOINED if found.schedule.export_id in queued else TickResult.STARTED

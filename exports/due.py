"""What a tick starts: a run for every export that is due, once for each due moment."""

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Max

from config.jobs import ticking
from config.jobs.alike import insert_alike
from config.jobs.models import JobStatus, TickResult
from config.jobs.ticking import Due
from exports.models import Export, ExportSchedule, ExportTick, Run, RunEvent, Trigger

DueExport = Due[ExportSchedule]
# Reading a whole connection would open its credentials, for nothing.
_NEEDED = ("rule", "due_at", "export__name", "export__connection__export_user_id")


@transaction.atomic
def start_due() -> int:
    """Start what is due, one batch of it, and say how many were due."""
    staying = ExportSchedule.objects.filter(export__removal_asked_at=None)
    schedules = staying.select_related("export__connection").only(*_NEEDED)
    claimed = ticking.claim_due(schedules, lock=("self", "export"))
    due = ticking.not_yet_noticed(claimed, ExportTick.objects.all(), owner="export")
    to_start = [found for found in due if not found.is_passed_over and found.schedule.export.connection_id]
    queued = _queued_runs(to_start)
    started = _start([found.schedule.export for found in to_start if found.schedule.export_id not in queued])
    _record(due, queued, started)
    return len(due)


def _queued_runs(due: Sequence[DueExport]) -> dict[int, int]:
    """The run that waits in the queue, by export: a tick joins it."""
    exports = [found.schedule.export_id for found in due]
    queued = Run.objects.filter(export__in=exports, status=JobStatus.QUEUED, clears=None)
    return dict(queued.values_list("export_id", "pk"))


def _start(exports: Sequence[Export]) -> dict[int, int]:
    """Queue a run for each, on behalf of the export user; by export."""
    keys = [export.pk for export in exports]
    latest = Run.objects.filter(export__in=keys).values("export").annotate(number=Max("number"))
    numbers = dict(latest.values_list("export", "number"))
    # A run takes the place of a retry that was still to come.
    retries = Run.objects.filter(export__in=keys, status=JobStatus.FAILURE, clears=None)
    retries.exclude(resume_at=None).update(resume_at=None)
    runs = insert_alike(
        Run(trigger=Trigger.SCHEDULE),
        export_id=keys,
        number=[numbers.get(key, 0) + 1 for key in keys],
        requested_by_id=[export.connection.export_user_id if export.connection else None for export in exports],
    )
    insert_alike(RunEvent(to_status=JobStatus.QUEUED), run_id=runs)
    return dict(zip(keys, runs, strict=True))


def _record(due: Sequence[DueExport], queued: Mapping[int, int], started: Mapping[int, int]) -> None:
    """Write down each due moment, and what came of it."""
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

"""What a tick starts: a run for every export that is due, once for each due moment."""

from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Max

from config.jobs import ticking
from config.jobs.models import JobStatus, TickResult
from config.jobs.ticking import Due
from exports.models import Export, ExportSchedule, ExportTick, Run, RunEvent, Trigger

DueExport = Due[ExportSchedule]
# Reading a whole connection would open its credentials, for nothing.
_NEEDED = ("rule", "due_at", "export__name", "export__connection__export_user_id")


@transaction.atomic
def start_due() -> int:
    """Start what is due, one batch of it, and say how many were due."""
    schedules = ExportSchedule.objects.select_related("export__connection").only(*_NEEDED)
    due = _not_yet_noticed(ticking.claim_due(schedules, lock=("self", "export")))
    to_start = [found for found in due if not found.is_passed_over and found.schedule.export.connection_id]
    queued = _queued_runs(to_start)
    started = _start(found for found in to_start if found.schedule.export_id not in queued)
    ExportTick.objects.bulk_create(_tick(found, queued, started) for found in due)
    return len(due)


def _not_yet_noticed(due: Sequence[DueExport]) -> list[DueExport]:
    """Without those whose due moment has its tick already: somebody saved the schedule anew on a machine whose
    clock is behind."""
    exports, moments = [found.schedule.export_id for found in due], {found.due_at for found in due}
    ticks = ExportTick.objects.filter(export__in=exports, due_at__in=moments)
    noticed = set(ticks.values_list("export_id", "due_at"))
    return [found for found in due if (found.schedule.export_id, found.due_at) not in noticed]


def _queued_runs(due: Sequence[DueExport]) -> dict[int, Run]:
    """The run that waits in the queue, by export: a tick joins it."""
    exports = [found.schedule.export_id for found in due]
    return {run.export_id: run for run in Run.objects.filter(export__in=exports, status=JobStatus.QUEUED)}


def _start(due: Iterable[DueExport]) -> dict[int, Run]:
    """Queue a run for each, on behalf of the export user; by export."""
    exports = [found.schedule.export for found in due]
    latest = Run.objects.filter(export__in=exports).values("export").annotate(number=Max("number"))
    numbers = dict(latest.values_list("export", "number"))
    # A run takes the place of a retry that was still to come.
    Run.objects.filter(export__in=exports, status=JobStatus.FAILURE).exclude(resume_at=None).update(resume_at=None)
    runs = Run.objects.bulk_create(_run(export, numbers.get(export.pk, 0) + 1) for export in exports)
    RunEvent.objects.bulk_create(RunEvent(run=run, to_status=run.status) for run in runs)
    return {run.export_id: run for run in runs}


def _run(export: Export, number: int) -> Run:
    by = export.connection.export_user_id if export.connection else None
    return Run(export=export, number=number, trigger=Trigger.SCHEDULE, requested_by_id=by)


def _tick(found: DueExport, queued: Mapping[int, Run], started: Mapping[int, Run]) -> ExportTick:
    export = found.schedule.export
    if found.is_passed_over:
        result = TickResult.PASSED_OVER
    elif export.connection_id is None:
        result = TickResult.IMPOSSIBLE
    else:
        result = TickResult.JOINED if export.pk in queued else TickResult.STARTED
    run = queued.get(export.pk) or started.get(export.pk)
    return ExportTick(export=export, run=run, result=result, **found.record)

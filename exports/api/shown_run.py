"""Show a run to programs."""

from datetime import datetime

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from config.platform.api.values import Answer
from config.platform.jobs.models import JobStatus
from exports.models import Run, RunKind, Stage, Trigger
from exports.results import summary
from exports.run.final_status import exit_code


class RunOut(Answer):
    """A run. ``is_settled`` says that it has ended and is not tried again; ``counts`` are complete then. When
    ``removals_held`` is not 0, a user has to confirm the removals. ``exit_code`` is that of ``run_export --wait``,
    and null until the run has ended. ``started_after`` names the data sources and exports that triggered it."""

    id: int
    export_id: int
    number: int
    kind: RunKind
    trigger: Trigger
    started_after: str
    status: JobStatus
    reason: str
    stage: Stage
    is_settled: bool
    is_canceling: bool
    requested_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_try_at: datetime | None
    removal: str
    removals_held: int
    removal_guard: str
    counts: dict[str, int]
    exit_code: int | None


# What is not shown of a run is not read for it: its snapshot is large.
_UNREAD = ("snapshot", "message", "export__mapping", "export__answers", "requested_by__password")


def runs_to_show() -> "QuerySet[Run]":
    """Select runs with what shown_run reads of them."""
    return Run.objects.select_related("export", "requested_by").defer(*_UNREAD)


def find_shown_run(run_id: int) -> RunOut:
    """Return what programs see of the run with an ID. Raises Http404."""
    return shown_run(get_object_or_404(runs_to_show(), pk=run_id))


def shown_run(run: Run) -> RunOut:
    """Return what programs see of a run; its export and requester are fetched before."""
    return RunOut(
        id=run.pk,
        export_id=run.export_id,
        number=run.number,
        kind=RunKind(run.kind),
        trigger=Trigger(run.trigger),
        started_after=run.started_after,
        status=JobStatus(run.status),
        reason=run.reason,
        stage=Stage(run.stage),
        is_settled=not run.is_open and run.next_try_at is None,
        is_canceling=run.is_open and run.cancel_requested_at is not None,
        requested_by=str(run.requested_by) if run.requested_by else None,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        next_try_at=run.next_try_at,
        removal=run.options["removal"]["how"] if run.is_cleanup else run.export.removal,
        removals_held=run.removals_held,
        removal_guard=run.removal_guard,
        counts=summary.of_run(run).as_numbers(),
        exit_code=None if run.is_open else exit_code(JobStatus(run.status), run.delivered + run.unchanged),
    )

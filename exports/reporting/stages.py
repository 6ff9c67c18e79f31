"""How far a run has come, stage by stage, and how long each took."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.models import Run, Stage
from exports.models.snapshot import NO_SNAPSHOT


@dataclass(frozen=True)
class StageState:
    """``state`` is one of done, now, next, failed and ended (which is: ended here, and not well)."""

    stage: Stage
    state: str
    began_at: datetime | None = None  # None for what has not begun, and for what ends as soon as it begins
    ended_at: datetime | None = None

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or has taken so far; None when that is not known."""
        return (self.ended_at or clock.now()) - self.began_at if self.began_at else None

    @property
    def label(self) -> str | Promise:
        return self.stage.label


def stages_of(run: Run) -> list[StageState]:
    """The four stages in their order."""
    order = list(Stage)
    reached = order.index(_reached(run))
    ended_badly = not run.is_open and run.status not in (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)
    stages = []
    for at, stage in enumerate(order):
        state = "done" if at < reached else "next"
        if at == reached:
            ended = "failed" if run.status in (JobStatus.FAILED, JobStatus.FAILURE) else "ended"
            state = ended if ended_badly else "now" if run.is_open else "done"
        if at == reached and run.status == JobStatus.QUEUED and run.attempt == 0:
            state = "next"
        stages.append(StageState(stage, state, *_times(run, stage, state)))
    return stages


def _times(run: Run, stage: Stage, state: str) -> tuple[datetime | None, datetime | None]:
    """When it was entered and left, as far as that is known."""
    entered = {Stage.CHECK: run.started_at, Stage.PLAN: run.checked_at, Stage.DELIVER: run.planned_at}
    left = {Stage.CHECK: run.checked_at, Stage.PLAN: run.planned_at}
    if state == "next" or entered.get(stage) is None:
        return None, None
    if state == "done" and stage in left and left[stage] is None:  # by a run from before this was noted
        return None, None
    return entered[stage], left.get(stage) or run.finished_at


def _reached(run: Run) -> Stage:
    """How far it came. What ends early is complete by its stage, and tells by what it left behind."""
    if run.is_open or run.status in (JobStatus.SUCCESSFUL, JobStatus.WARNINGS):
        return Stage(run.stage)
    if run.snapshot == NO_SNAPSHOT:
        return Stage.CHECK
    return Stage.DELIVER if run.planned or run.to_remove else Stage.PLAN

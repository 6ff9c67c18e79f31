"""Compute the progress of a run: its stages with their durations, its batches with throughput and time remaining,
and the strip of cells that stands for the batches: one cell for each or, of very many, for several in a row."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection as database
from django.db.models import Count, Max, Min, Q, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.jobs import clock
from config.platform.jobs.models import ENDED_WELL, JobStatus
from config.platform.web.formats import number
from exports.delivery import connection_budget
from exports.models import Batch, BatchStatus, Run, Stage
from exports.models.snapshot import NO_SNAPSHOT

# What was finished within this time tells how fast it goes now.
_RECENTLY = timedelta(seconds=20)
MOST_CELLS = 250


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
    """Return the four stages in their order."""
    order = list(Stage)
    reached = order.index(_reached(run))
    ended_badly = not run.is_open and run.status not in ENDED_WELL
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
    if run.is_open or run.status in ENDED_WELL:
        return Stage(run.stage)
    if run.snapshot == NO_SNAPSHOT:
        return Stage.CHECK
    return Stage.DELIVER if run.planned or run.to_remove else Stage.PLAN


@dataclass(frozen=True)
class BatchCounts:
    """The batches of a run at a glance. Those that were halved are not counted: their halves are."""

    total: int
    done: int
    sending: int
    waiting: int
    halved: int
    not_sent: int
    sent_again: bool  # some were sent more than once before they were answered


@dataclass(frozen=True)
class Pace:
    """Contacts a second, and seconds left; None while they cannot be told."""

    per_second: float | None
    seconds_left: float | None
    # Until when the destination wants no calls over the connection, while that lasts.
    silent_until: datetime | None = None
    most_calls: int | None = None  # that the connection allows, over all runs on it


def count_batches(run: Run) -> BatchCounts:
    """Count the batches of a run in the database."""
    status = BatchStatus
    counts = run.batches.aggregate(
        total=Count("pk", filter=~Q(status=status.SPLIT)),
        done=Count("pk", filter=Q(status=status.DONE)),
        sending=Count("pk", filter=Q(status=status.SENDING)),
        waiting=Count("pk", filter=Q(status=status.PLANNED, not_before__gt=clock.now())),
        halved=Count("pk", filter=Q(status=status.SPLIT)),
        not_sent=Count("pk", filter=Q(status=status.NOT_SENT)),
        again=Count("pk", filter=Q(status=status.DONE, attempt__gt=1)),
    )
    if connection := run.connection:  # more are intended than are out: some wait in front of the lines
        counts["sending"] = min(counts["sending"], connection.max_in_flight)
    return BatchCounts(sent_again=bool(counts.pop("again")), **counts)


def measure_pace(run: Run) -> Pace:
    """Measure what was delivered in the last seconds; of a run that has ended, over all of its delivery."""
    if run.stage not in (Stage.DELIVER, Stage.COMPLETE):
        return Pace(None, None)
    connection = run.connection
    if not run.is_open or connection is None:
        return Pace(_overall_rate(run), None)
    per_second = _recent_rate(run) or _overall_rate(run)
    left = max(0, (run.progress_total or run.planned) - run.progress_done)
    return Pace(
        per_second,
        left / per_second if per_second else None,
        silent_until=connection_budget.paused_until(connection),
        most_calls=connection.max_in_flight,
    )


def _overall_rate(run: Run) -> float | None:
    done = run.batches.filter(status=BatchStatus.DONE).aggregate(
        first=Min("sent_at"), last=Max("finished_at"), people=Sum("size", default=0)
    )
    if not done["people"] or done["first"] is None:
        return None
    return _rate(done["people"], done["last"] - done["first"])


def _recent_rate(run: Run) -> float | None:
    since = clock.now() - _RECENTLY
    recent = Batch.objects.filter(run=run, status=BatchStatus.DONE, finished_at__gte=since)
    found = recent.aggregate(people=Sum("size", default=0), first=Min("sent_at"))
    if not found["people"] or found["first"] is None:
        return None
    return _rate(found["people"], clock.now() - max(found["first"], since))


def _rate(people: int, span: timedelta) -> float:
    return people / max(span.total_seconds(), 0.1)


class CellState(StrEnum):
    """How a cell looks: the most noteworthy state among its batches, which is the last of these."""

    DONE = "done"
    PLANNED = "planned"
    SENDING = "sending"
    AGAIN = "again"
    NOT_SENT = "not_sent"
    REJECTED = "rejected"


CELL_LABELS: dict[CellState, str | Promise] = {
    CellState.DONE: gettext_lazy("Done"),
    CellState.PLANNED: gettext_lazy("Planned"),
    CellState.SENDING: gettext_lazy("Sending"),
    CellState.AGAIN: gettext_lazy("Waiting for a retry"),
    CellState.NOT_SENT: gettext_lazy("Not attempted"),
    CellState.REJECTED: gettext_lazy("Done, some rejected"),
}
_CELL_STATES = tuple(CellState)


@dataclass(frozen=True)
class BatchCell:
    """A cell of the batch map: from which batch to which, by number, and how many contacts they hold."""

    first: int
    last: int
    batches: int
    people: int
    label: str  # of the first batch
    state: CellState

    @property
    def tooltip(self) -> str:
        """Return the tooltip of the cell."""
        values = {
            "label": self.label,
            "first": number(self.first),
            "last": number(self.last),
            "people": number(self.people),
            "state": CELL_LABELS[self.state],
        }
        if self.batches == 1:
            return _("Batch %(label)s: %(state)s, %(people)s contacts") % values
        return _("Batches %(first)s to %(last)s: %(state)s, %(people)s contacts") % values


def batch_cells(run: Run, batches: int) -> list[BatchCell]:
    """Return the cells of a run with that number of ``batches``, in one query."""
    per_cell = max(1, math.ceil(batches / MOST_CELLS))
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT min(number), max(number), count(*), sum(size), min(label) FILTER (WHERE is_first), max(state)
              FROM (
                SELECT number, size, label, place / %(per_cell)s AS cell, place %% %(per_cell)s = 0 AS is_first,
                       CASE WHEN rejected > 0 THEN 5
                            WHEN status = 'not_sent' THEN 4
                            WHEN status = 'planned' AND attempt > 0 THEN 3
                            WHEN status = 'sending' THEN 2
                            WHEN status = 'planned' THEN 1
                            ELSE 0 END AS state
                  FROM (SELECT *, row_number() OVER (ORDER BY number) - 1 AS place
                          FROM (SELECT number, size, label, status, attempt, rejected FROM exports_batch
                                 WHERE run_id = %(run)s AND status <> 'split') batch) numbered) batch_state
             GROUP BY cell ORDER BY cell
            """,
            {"per_cell": per_cell, "run": run.pk},
        )
        rows = cursor.fetchall()
    return [
        BatchCell(first, last, batches, people, label, _CELL_STATES[state])
        for first, last, batches, people, label, state in rows
    ]


def cell_states(cells: list[BatchCell]) -> list[tuple[CellState, str | Promise]]:
    """Return which states there are, for the legend."""
    found = {cell.state for cell in cells}
    return [(state, CELL_LABELS[state]) for state in CellState if state in found]

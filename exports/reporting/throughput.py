"""How fast a run is, and how long the rest will take."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q, Sum

from config.platform.jobs import clock
from exports.delivery import connection_budget
from exports.models import Batch, BatchStatus, Run, Stage

# What was finished within this time tells how fast it goes now.
_WINDOW = timedelta(seconds=20)


@dataclass(frozen=True)
class Batches:
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


def batches_of(run: Run) -> Batches:
    """Counted in the database."""
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
    return Batches(sent_again=bool(counts.pop("again")), **counts)


def pace_of(run: Run) -> Pace:
    """From what was delivered lately; of a run that has ended, over all of its delivery."""
    if run.stage not in (Stage.DELIVER, Stage.COMPLETE):
        return Pace(None, None)
    connection = run.connection
    if not run.is_open or connection is None:
        return Pace(_overall(run), None)
    per_second = _lately(run) or _overall(run)
    left = max(0, (run.progress_total or run.planned) - run.progress_done)
    return Pace(
        per_second,
        left / per_second if per_second else None,
        silent_until=connection_budget.paused_until(connection),
        most_calls=connection.max_in_flight,
    )


def _overall(run: Run) -> float | None:
    done = run.batches.filter(status=BatchStatus.DONE).aggregate(
        first=Min("sent_at"), last=Max("finished_at"), people=Sum("size", default=0)
    )
    if not done["people"] or done["first"] is None:
        return None
    return _rate(done["people"], done["last"] - done["first"])


def _lately(run: Run) -> float | None:
    since = clock.now() - _WINDOW
    lately = Batch.objects.filter(run=run, status=BatchStatus.DONE, finished_at__gte=since)
    found = lately.aggregate(people=Sum("size", default=0), first=Min("sent_at"))
    if not found["people"] or found["first"] is None:
        return None
    return _rate(found["people"], clock.now() - max(found["first"], since))


def _rate(people: int, span: timedelta) -> float:
    return people / max(span.total_seconds(), 0.1)

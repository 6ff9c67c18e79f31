"""Find schedules that are due at a tick, and move each of them on to its next due moment.

The first worker locks the row; others skip it at the same moment. What is to be started is recorded with its
due moment, which the database allows once. So several beats, doubled messages and clocks that differ start
nothing twice. A fixed number of queries for each batch, however many are due.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from config.platform import retention
from config.platform.jobs import clock
from config.platform.jobs.models import Schedule, Tick
from config.platform.schedules.next_due import latest_due, next_due
from config.platform.schedules.serialize import WrongRule, from_plain

logger = logging.getLogger(__name__)

BATCH = 500
# Noticed later than this, a due moment was missed: no worker ran.
ON_TIME = timedelta(minutes=15)
_LOOK_AGAIN = timedelta(hours=1)

SKIP = "SKIP"  # of MISSED_SCHEDULES

ScheduleT = TypeVar("ScheduleT", bound=Schedule)
TickT = TypeVar("TickT", bound=Tick)


@dataclass(frozen=True)
class Due(Generic[ScheduleT]):
    """A schedule that is due, with its due moment."""

    schedule: ScheduleT
    due_at: datetime
    missed_since: datetime | None  # the first of several that were not noticed in time
    was_missed: bool

    @property
    def is_passed_over(self) -> bool:
        """Return whether it is only recorded: it was missed, and what is missed is skipped here."""
        return self.was_missed and settings.MISSED_SCHEDULES == SKIP

    @property
    def record(self) -> dict[str, Any]:
        """Return the fields to store in its tick."""
        return {"due_at": self.due_at, "missed_since": self.missed_since, "was_missed": self.was_missed}


def claim_due(schedules: "QuerySet[ScheduleT]", *, lock: Sequence[str] = ("self",)) -> list[Due[ScheduleT]]:
    """Claim up to BATCH of ``schedules`` that are due, the longest waiting first, and store when each is due
    next. They stay locked, with the relations that ``lock`` names, until the transaction of the caller ends;
    schedules that another transaction has locked are left to the next tick."""
    now = clock.now()
    waiting = schedules.select_for_update(of=tuple(lock), skip_locked=True).filter(due_at__lte=now)
    due_moments = cache(partial(_due_moments, now=now))  # many have the same rule and stand at the same moment
    found, upcoming = [], {}
    for schedule in waiting.order_by("due_at", "pk")[:BATCH]:
        try:
            latest, upcoming[schedule.pk] = due_moments(json.dumps(schedule.rule), schedule.due_at)
        except WrongRule:  # such as a zone that this machine no longer knows
            logger.exception("the rule of %s %s cannot be read", type(schedule).__name__, schedule)
            upcoming[schedule.pk] = now + _LOOK_AGAIN
        else:
            found.append(_due(schedule, latest, now))
    _store(schedules.model._meta.db_table, upcoming)
    return found


def not_yet_noticed(
    due: Sequence[Due[ScheduleT]], ticks: "QuerySet[TickT]", *, owner: str
) -> list[Due[ScheduleT]]:
    """Leave out those whose due moment has its tick already: the schedule was saved again on a machine whose
    clock is behind. ``owner`` is the field of schedules and ticks that names their owner."""
    key = f"{owner}_id"
    owners, moments = [getattr(found.schedule, key) for found in due], {found.due_at for found in due}
    known = ticks.filter(**{f"{key}__in": owners}, due_at__in=moments)
    noticed = set(known.values_list(key, "due_at"))
    return [found for found in due if (getattr(found.schedule, key), found.due_at) not in noticed]


def until_all_are_started(start_due: Callable[[], int]) -> int:
    """Call ``start_due``, which starts one batch and says how large it was, until nothing is due; their sum."""
    total = 0
    while count := start_due():
        total += count
    return total


def recompute_due(schedules: "QuerySet[ScheduleT]") -> int:
    """Compute again when ``schedules`` are due, since a government may have changed the clocks of a zone after
    that was stored. Returns how many are due at another moment now. What is due already is left to the tick."""
    now, moved = clock.now(), {}
    for schedule in schedules.filter(due_at__gt=now).iterator(BATCH):
        try:
            due_at = next_due(from_plain(schedule.rule or {}), now)
        except WrongRule:  # the tick says so
            continue
        if due_at != schedule.due_at:
            moved[schedule.pk] = due_at
    _store(schedules.model._meta.db_table, moved)
    return len(moved)


def forget_old(ticks: "QuerySet[TickT]") -> None:
    """Delete ``ticks`` older than SCHEDULE_RETENTION_DAYS."""
    ticks.filter(due_at__lt=retention.SCHEDULES.cutoff()).delete()


def _due_moments(rule_as_json: str, first: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Return the due moment at which a rule that was due at ``first`` stands, and when it is due next."""
    rule = from_plain(json.loads(rule_as_json))
    upcoming = next_due(rule, first)
    if upcoming > now:
        return first, upcoming
    latest = latest_due(rule, first, now)
    return latest, next_due(rule, latest)


def _due(schedule: ScheduleT, latest: datetime, now: datetime) -> Due[ScheduleT]:
    missed_since = schedule.due_at if schedule.due_at != latest else None
    return Due(schedule, latest, missed_since, now - latest > ON_TIME)


def _store(table: str, upcoming: dict[int, datetime]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET due_at = new.due_at"  # noqa: S608 - a table of ours
            f"  FROM unnest(%s::bigint[], %s::timestamptz[]) AS new (id, due_at) WHERE {table}.id = new.id",
            [list(upcoming), list(upcoming.values())],
        )


def set_schedule(schedule: Schedule, *, is_on: bool, rule: Mapping[str, Any] | None) -> None:
    """Set ``schedule`` (unsaved) to ``rule``, in plain values; None is every system refresh. When it is due
    next is counted from now, unless nothing has changed. Raises WrongRule."""
    chosen = from_plain(rule) if rule is not None else None
    if (schedule.is_on, schedule.rule) == (is_on, rule):
        return
    schedule.is_on, schedule.rule = is_on, dict(rule) if rule is not None else None
    schedule.due_at = next_due(chosen, clock.now()) if chosen is not None and is_on else None

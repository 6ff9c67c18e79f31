"""When a calendar rule is due, found the long way: by walking through every minute that passes and reading the
clock on the wall. It shares nothing with the product but the rule."""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config.platform.schedules.next_due import LAST_DAY, Recurrence, Rule

MINUTE = timedelta(minutes=1)


def changes_of_the_clocks(zone: str, year: int) -> list[datetime]:
    """The hours of a year within which the clocks of ``zone`` are changed."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    offsets = [(start + timedelta(hours=hour)).astimezone(ZoneInfo(zone)).utcoffset() for hour in range(366 * 24)]
    return [start + timedelta(hours=hour) for hour in range(1, 366 * 24) if offsets[hour] != offsets[hour - 1]]


def due_by_walking(rule: Rule, after: datetime, until: datetime) -> list[datetime]:
    """All due moments of ``rule`` later than ``after``, up to ``until``."""
    due, zone = set(), ZoneInfo(rule.zone)
    # Walk in from two days before, so that what the wall showed already is known when clocks go back.
    shown: set[datetime] = set()
    previous: datetime | None = None
    moment = after - timedelta(days=2)
    while moment <= until:
        wall = moment.astimezone(zone).replace(tzinfo=None, fold=0)
        for reading, at in _readings(previous, wall, moment):
            if reading not in shown and _is_due_at(rule, reading):
                due.add(at)
            shown.add(reading)
        previous, moment = wall, moment + MINUTE
    return sorted(at for at in due if after < at <= until)


def _readings(previous: datetime | None, wall: datetime, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Read local time now, and each minute that it jumped over since the last look, with the moment at which a
    clock that was not put forward would show it."""
    yield wall, moment
    skipped = previous + MINUTE if previous is not None else wall
    while skipped < wall:
        yield skipped, moment + (skipped - previous - MINUTE)  # type: ignore[operator]
        skipped += MINUTE


def _is_due_at(rule: Rule, wall: datetime) -> bool:
    if wall.time() not in rule.times or (rule.starts_on is not None and wall.date() < rule.starts_on):
        return False
    return _is_due_on(rule, wall.date())


def _is_due_on(rule: Rule, day: date) -> bool:
    if rule.recurrence == Recurrence.DAILY:
        return True
    if rule.recurrence == Recurrence.WEEKLY:
        return day.weekday() in rule.weekdays
    last = calendar.monthrange(day.year, day.month)[1]
    return day.day in rule.month_days or (day.day == last and LAST_DAY in rule.month_days)


def times_of_day(*texts: str) -> tuple[time, ...]:
    return tuple(time.fromisoformat(text) for text in texts)

"""Compute the next due moment of a rule. Pure: no rows, no clock.

Calendar rules speak of the time on the wall of their zone, and keep to RFC 5545 where clocks are changed: a
time that a day does not have (clocks go forward) is due as much later as the clocks jump, and a time that it
has twice (clocks go back) is due the first time. “Every N hours” counts hours that pass, whatever the wall
says. Cron text is in cron.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, islice, takewhile
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import rrule
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.schedules.cron import cron_problem, latest_by_cron, next_by_cron

LAST_DAY = -1  # of a month, as rrule counts
MOST_TIMES = 4
MOST_HOURS = 24 * 31
EARLIEST_START, LATEST_START = date(2000, 1, 1), date(2199, 12, 31)
# Zones have dropped a whole day from their calendar; what was due on it is due a day later.
_LONGEST_JUMP = timedelta(days=2)
# Between two moments of a calendar rule: from day 31 of October to that of December, and a jump.
_LONGEST_PAUSE = timedelta(days=61) + _LONGEST_JUMP


class Recurrence(models.TextChoices):
    HOURS = "hours", _("Every few hours")
    DAILY = "daily", _("Daily")
    WEEKLY = "weekly", _("Weekly")
    MONTHLY = "monthly", _("Monthly")
    CRON = "cron", _("Cron text")


_FREQUENCY: dict[str, Literal[1, 2, 3]] = {
    Recurrence.DAILY: rrule.DAILY,
    Recurrence.WEEKLY: rrule.WEEKLY,
    Recurrence.MONTHLY: rrule.MONTHLY,
}


@dataclass(frozen=True)
class Rule:
    """When something is due. Its words are in describe.py."""

    recurrence: Recurrence
    zone: str
    times: tuple[time, ...]  # on the wall; of HOURS the one that it is counted from; CRON has none
    starts_on: date | None = None  # never due before; HOURS is counted from it
    hours: int = 0
    weekdays: tuple[int, ...] = ()  # 0 is Monday
    month_days: tuple[int, ...] = ()  # 1 … 31 and LAST_DAY; a month without the day is passed over
    cron: str = ""  # such as “0 6 * * 1-5”


def next_due(rule: Rule, after: datetime) -> datetime:
    """Return the first due moment later than ``after``, in UTC."""
    if rule.recurrence == Recurrence.HOURS:
        return _next_by_hours(rule, after)
    if rule.recurrence == Recurrence.CRON:
        return next_by_cron(rule.cron, ZoneInfo(rule.zone), after, rule.starts_on)
    return _next_by_calendar(rule, after)


def due_moments(rule: Rule, after: datetime) -> Iterator[datetime]:
    """Yield all due moments later than ``after``, the earliest first, without end."""
    while True:
        after = next_due(rule, after)
        yield after


def latest_due(rule: Rule, first: datetime, until: datetime) -> datetime:
    """Return the last due moment up to ``until``, knowing an earlier one, ``first``."""
    if rule.recurrence == Recurrence.CRON:
        return latest_by_cron(rule.cron, ZoneInfo(rule.zone), first, until)
    pause = timedelta(hours=rule.hours) if rule.recurrence == Recurrence.HOURS else _LONGEST_PAUSE
    near = due_moments(rule, max(first, until - pause))
    return max([first, *takewhile(lambda moment: moment <= until, near)])


def problems(rule: Rule) -> dict[str, Promise]:
    """Validate the rule. Returns the errors by the name of the field; empty when it is valid."""
    found = {
        "zone": _zone_problem(rule.zone),
        "times": _times_problem(rule),
        "starts_on": _start_problem(rule),
        "hours": _hours_problem(rule),
        "weekdays": _weekdays_problem(rule),
        "month_days": _month_days_problem(rule),
        "cron": _cron_problem(rule),
    }
    return {field: sentence for field, sentence in found.items() if sentence is not None}


def _next_by_hours(rule: Rule, after: datetime) -> datetime:
    if rule.starts_on is None:
        raise ValueError("a rule that counts hours starts on some day")
    start = _moment(rule.starts_on, rule.times[0], ZoneInfo(rule.zone))
    step = timedelta(hours=rule.hours)
    return start if after < start else start + ((after - start) // step + 1) * step


def _next_by_calendar(rule: Rule, after: datetime) -> datetime:
    zone = ZoneInfo(rule.zone)
    # Near a jump of the clocks a moment of the next day may come first: look at two days that have later moments.
    later = (
        [moment for at in rule.times if (moment := _moment(day, at, zone)) > after]
        for day in _days(rule, after.astimezone(zone).date() - _LONGEST_JUMP)
    )
    return min(chain.from_iterable(islice(filter(None, later), 2)))


def _days(rule: Rule, first: date) -> Iterator[date]:
    """Yield the days of a calendar rule from ``first`` on, a recent day: rrule walks every day from its start."""
    start = max(first, rule.starts_on) if rule.starts_on else first
    days = rrule.rrule(
        _FREQUENCY[rule.recurrence],
        dtstart=datetime.combine(start, time()),
        byweekday=rule.weekdays or None,
        bymonthday=rule.month_days or None,
    )
    return (day.date() for day in days)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    # zoneinfo itself does as RFC 5545 asks: fold=0 is the earlier of two, and goes on by the old offset in a gap.
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _zone_problem(zone: str) -> Promise | None:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return _("Choose a time zone, such as Europe/Warsaw.")
    return None


def _times_problem(rule: Rule) -> Promise | None:
    if rule.recurrence == Recurrence.CRON:
        return _("Cron text has the times: remove the other ones.") if rule.times else None
    most = 1 if rule.recurrence == Recurrence.HOURS else MOST_TIMES
    if not rule.times:
        return _("Choose a time.")
    if len(rule.times) > most:
        return _("Choose one time.") if most == 1 else _("Choose up to four times a day.")
    if len(set(rule.times)) < len(rule.times):
        return _("Choose each time once.")
    if any(at.second or at.microsecond or at.tzinfo for at in rule.times):
        return _("Choose a time by hour and minute.")
    return None


def _start_problem(rule: Rule) -> Promise | None:
    if rule.starts_on is None:
        return _("Choose a start date.") if rule.recurrence == Recurrence.HOURS else None
    if not EARLIEST_START <= rule.starts_on <= LATEST_START:
        return _("Choose a date between the years 2000 and 2199.")
    return None


def _hours_problem(rule: Rule) -> Promise | None:
    if rule.recurrence == Recurrence.HOURS:
        return None if 1 <= rule.hours <= MOST_HOURS else _("Choose a number of hours from 1 to 744.")
    return _("Only hourly schedules have a number of hours.") if rule.hours else None


def _weekdays_problem(rule: Rule) -> Promise | None:
    if rule.recurrence == Recurrence.WEEKLY:
        fine = rule.weekdays and set(rule.weekdays) <= set(range(7))
        return None if fine else _("Choose at least one day of the week.")
    return _("Only weekly schedules have days of the week.") if rule.weekdays else None


def _month_days_problem(rule: Rule) -> Promise | None:
    if rule.recurrence == Recurrence.MONTHLY:
        fine = rule.month_days and set(rule.month_days) <= {*range(1, 32), LAST_DAY}
        return None if fine else _("Choose at least one day of the month, from 1 to 31, or the last day.")
    return _("Only monthly schedules have days of the month.") if rule.month_days else None


def _cron_problem(rule: Rule) -> Promise | None:
    if rule.recurrence == Recurrence.CRON:
        return cron_problem(rule.cron)
    return _("Only schedules by cron text have cron text.") if rule.cron else None

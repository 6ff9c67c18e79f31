"""Compute due moments of cron text, such as “0 6 * * 1-5”. Pure: no rows, no clock.

Cron text has five fields: minute, hour, day of the month, month, day of the week. They speak of the time on the
wall of the rule's zone. Where clocks are changed, cronsim does what Debian's cron does: a fixed time that a day
does not have is due right after the jump, one that it has twice is due the first time; a step such as ``*/15``
keeps its distance.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LONGEST = 100
_FIELDS = 5
# Any moment, from which cron text that names a day is due within 50 years.
_SOME_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_PROBLEMS = {
    "Bad minute": _("The first field is the minute: 0 to 59."),
    "Bad hour": _("The second field is the hour: 0 to 23."),
    "Bad day-of-month": _("The third field is the day of the month: 1 to 31, in a month that has this day."),
    "Bad month": _("The fourth field is the month: 1 to 12, or JAN to DEC."),
    "Bad day-of-week": _("The fifth field is the day of the week: 0 to 7, or SUN to SAT."),
}


def clean_cron(text: str) -> str:
    """Return cron text in one way of writing: one space between fields."""
    return " ".join(text.split())


def cron_problem(text: str) -> Promise | None:
    """Validate cron text. Returns the error as a sentence for users; None when it is valid."""
    if len(text) > LONGEST or len(text.split()) != _FIELDS:
        return _("Enter five fields: minute, hour, day of the month, month, day of the week.")
    try:
        next(CronSim(text, _SOME_MOMENT))
    except CronSimError as error:
        return _PROBLEMS.get(str(error), _("This is not valid cron text. Example: 0 6 * * 1-5"))
    except StopIteration:
        return _("No date matches this cron text.")
    return None


def next_by_cron(text: str, zone: ZoneInfo, after: datetime, starts_on: date | None = None) -> datetime:
    """Return the first due moment later than ``after``, not before the day ``starts_on``, in UTC."""
    if starts_on is not None:
        after = max(after, datetime.combine(starts_on, time(), tzinfo=zone).astimezone(UTC) - _MINUTE)
    moments = CronSim(text, after.astimezone(zone))
    return next(moment for each in moments if (moment := each.astimezone(UTC)) > after)


def latest_by_cron(text: str, zone: ZoneInfo, first: datetime, until: datetime) -> datetime:
    """Return the last due moment up to ``until``, knowing an earlier one, ``first``."""
    back = CronSim(text, (until + _MINUTE).astimezone(zone), reverse=True)
    latest = next((moment for each in back if (moment := each.astimezone(UTC)) <= until), first)
    return max(first, latest)

"""Compute the bounds of date operators in the environment's time zone, and the days of anniversaries. Pure.

Bounds are computed here, so that no engine has to know time zones: a day becomes the moments at which it begins
and ends. Of *the last 3 days* today is the last, of *the next 3 days* the first; moments are those until now, or
after it. Hours count exactly.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from segments.models import AttributeType
from segments.rules.values import DayOfYear, MonthOfYear, Operand, Period, Unit

_HOURS_OF_A_DAY_AROUND = 60 * 60 * 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Bound:
    """A date or moment that values are compared with, and the sign of the comparison: value, sign, ``at``."""

    sign: str
    at: date


def bounds(key: str, operand: Operand, data_type: AttributeType, moment: datetime, zone: ZoneInfo) -> list[Bound]:
    """Return the bounds of an operator of dates; a value matches within all of them."""
    if isinstance(operand, Period) and operand.unit == Unit.HOURS:
        return _hours(key, operand.count, moment)
    days = _days(key, operand, moment.astimezone(zone).date())
    if data_type == AttributeType.DATE:
        return days
    at = [_moment(bound, zone) for bound in days]
    if key in ("in_last", "within_last_days"):
        return [at[0], Bound("<=", moment)]
    return [Bound(">", moment), at[1]] if key == "in_next" else at


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day, in UTC: not always midnight, and of a day that a zone left out the first
    moment of the next."""
    around = int((datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH).total_seconds())
    if not _FIRST + timedelta(days=3) < _EPOCH + timedelta(seconds=around) < _LAST - timedelta(days=3):
        return _EPOCH + timedelta(seconds=around)
    seconds = range(around - _HOURS_OF_A_DAY_AROUND, around + _HOURS_OF_A_DAY_AROUND)
    first = bisect_left(
        seconds, day, key=lambda second: (_EPOCH + timedelta(seconds=second)).astimezone(zone).date()
    )
    return _EPOCH + timedelta(seconds=seconds[first])


def month_of(operand: MonthOfYear, moment: datetime, zone: ZoneInfo) -> int:
    """Return the month of an operand, 1 to 12."""
    return operand.month or moment.astimezone(zone).month


def days_of(operand: DayOfYear, moment: datetime, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return the months and days whose anniversary is on the day of an operand.

    In a year without February 29, its anniversary is on February 28: so it stays in its month, as *month of* does,
    and a greeting is not late.
    """
    today = moment.astimezone(zone).date()
    day = operand.month_and_day or (today.month, today.day)
    is_leap = today.year % 4 == 0 and (today.year % 100 != 0 or today.year % 400 == 0)
    return [day, (2, 29)] if day == (2, 28) and not is_leap else [day]


def _hours(key: str, count: int, moment: datetime) -> list[Bound]:
    length = timedelta(hours=count)
    if key == "in_last":
        return [Bound(">=", moment - length), Bound("<=", moment)]
    if key == "in_next":
        return [Bound(">", moment), Bound("<=", moment + length)]
    return [Bound("<", moment - length)]


def _days(key: str, operand: Operand, today: date) -> list[Bound]:
    if isinstance(operand, int):
        operand = Period(operand, Unit.DAYS)
    if isinstance(operand, Period):
        if key == "in_next":
            return [Bound(">=", today), Bound("<=", _shifted(today, operand))]
        first = _shifted(today, Period(-operand.count, operand.unit))
        return [Bound("<", first)] if key == "more_than_ago" else [Bound(">=", first), Bound("<=", today)]
    if isinstance(operand, tuple):
        first, last = (day for day in operand if isinstance(day, date))
        return [Bound(">=", first), Bound("<=", last)]
    assert isinstance(operand, date), "the tree has been checked"  # noqa: S101
    if key == "on":
        return [Bound(">=", operand), Bound("<=", operand)]
    return [Bound({"before": "<", "after": ">"}[key], operand)]


def _shifted(day: date, period: Period) -> date:
    """Return the day that lies a period later; the last day of a month where it has no such day."""
    try:
        if period.unit == Unit.MONTHS:
            return day + relativedelta(months=period.count)
        return day + timedelta(days=period.count * (7 if period.unit == Unit.WEEKS else 1))
    except (ValueError, OverflowError):
        return date.min if period.count < 0 else date.max


def _moment(bound: Bound, zone: ZoneInfo) -> Bound:
    """Return the bound of moments for a bound of days."""
    if bound.sign in ("<", ">="):
        return Bound(bound.sign, start_of_day(bound.at, zone))
    end = start_of_day(bound.at + timedelta(days=1), zone) if bound.at < date.max else _LAST
    return Bound("<" if bound.sign == "<=" else ">=", end)

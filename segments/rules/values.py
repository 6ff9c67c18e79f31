"""Convert the values of conditions to operands, with sentences for users about what is wrong. Pure.

What values look like in the tree, by what the operator takes (see ``Takes``)::

    one        "Finland", 100, "100", "2024-02-29"       text, a number, a day (also for dates with a time)
    two        ["2024-01-01", "2024-12-31"]              a pair: from and to
    many       ["Finland", "Sweden"]                     a list
    days       30                                        a number of days
    period     [3, "weeks"]                              a number of hours, days, weeks or months
    month      12, "current"                             a month of the year, or the present one
    day        "12-24", "today"                          a day of the year as MM-DD, or the present one
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from django.utils.translation import gettext as _

from segments.models import AttributeType


class Takes(StrEnum):
    """What kind of value an operator takes."""

    NOTHING = "nothing"
    ONE = "one"
    TWO = "two"
    MANY = "many"
    DAYS = "days"
    PERIOD = "period"
    MONTH = "month"
    DAY = "day"


class Unit(StrEnum):
    """The unit of a period."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


@dataclass(frozen=True)
class Period:
    """A length of time, such as three weeks."""

    count: int
    unit: Unit


@dataclass(frozen=True)
class MonthOfYear:
    """A month of every year; None for the present one."""

    month: int | None


@dataclass(frozen=True)
class DayOfYear:
    """A day of every year; None for the present one."""

    month_and_day: tuple[int, int] | None


One = str | int | Decimal | date
Operand = One | tuple[One, ...] | Period | MonthOfYear | DayOfYear | None

CURRENT_MONTH = "current"
TODAY = "today"
MAX_CHOICES = 500
MAX_DAYS = 36_525
MAX_VALUE_LENGTH = 500
_MAX_COUNTS = {Unit.HOURS: MAX_DAYS * 24, Unit.DAYS: MAX_DAYS, Unit.WEEKS: 5_217, Unit.MONTHS: 1_200}
_WHOLE_NUMBERS = range(-(2**63), 2**63)


def operand(condition: Mapping[str, object], data_type: AttributeType, takes: Takes) -> Operand:
    """Convert the value of a condition. Raises ValueError with a sentence for users."""
    return _PARSERS[takes](condition.get("value"), data_type)


def _one(value: object, data_type: AttributeType) -> One:
    if data_type == AttributeType.NUMBER:
        return _number(value)
    if data_type == AttributeType.INTEGER:
        return _whole_number(value)
    if data_type in (AttributeType.DATE, AttributeType.DATETIME):
        return _date(value)
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise ValueError(_("Enter a value."))
    if "\0" in str(value):
        raise ValueError(_("The value contains a character that profiles cannot contain."))
    if len(str(value)) > MAX_VALUE_LENGTH:
        raise ValueError(_("Enter at most %(most)d characters.") % {"most": MAX_VALUE_LENGTH})
    return str(value)


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or str(value).strip() == "":
        raise ValueError(_("Enter a number."))
    text = str(value).strip()
    try:
        number = Decimal(text) if len(text) <= 40 and text.isascii() and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 40:
        raise ValueError(_("“%(value)s” is not a number.") % {"value": text[:40]})
    return number


def _whole_number(value: object) -> int:
    number = _number(value)
    if number != number.to_integral_value() or int(number) not in _WHOLE_NUMBERS:
        raise ValueError(_("“%(value)s” is not a whole number.") % {"value": str(value).strip()[:40]})
    return int(number)


def _date(value: object) -> date:
    if isinstance(value, date):  # YAML files contain dates
        return date(value.year, value.month, value.day)
    try:
        if isinstance(value, str) and len(value.strip()) == 10:
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise ValueError(_("Enter a date as YYYY-MM-DD."))


def _digits(value: object) -> int | None:
    text = str(value).strip()
    is_whole = not isinstance(value, bool) and text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if is_whole else None


def _days(value: object, data_type: AttributeType) -> int:
    days = _digits(value)
    if days is None:
        raise ValueError(_("Enter a whole number of days."))
    if not 1 <= days <= MAX_DAYS:
        raise ValueError(_("Enter a number of days from 1 to %(most)d.") % {"most": MAX_DAYS})
    return days


def _period(value: object, data_type: AttributeType) -> Period:
    if not isinstance(value, list | tuple) or len(value) != 2 or value[1] not in list(Unit):
        raise ValueError(_("Enter a number and hours, days, weeks or months."))
    unit = Unit(value[1])
    if unit == Unit.HOURS and data_type != AttributeType.DATETIME:
        raise ValueError(_("Dates without a time cannot be compared by hours. Choose days, weeks or months."))
    count = _digits(value[0])
    if count is None or not 1 <= count <= _MAX_COUNTS[unit]:
        raise ValueError(_("Enter a whole number from 1 to %(most)d.") % {"most": _MAX_COUNTS[unit]})
    return Period(count, unit)


def _month(value: object, data_type: AttributeType) -> MonthOfYear:
    if value == CURRENT_MONTH:
        return MonthOfYear(None)
    month = _digits(value)
    if month is None or not 1 <= month <= 12:
        raise ValueError(_("Enter a month from 1 to 12."))
    return MonthOfYear(month)


def _day(value: object, data_type: AttributeType) -> DayOfYear:
    if value == TODAY:
        return DayOfYear(None)
    try:
        text = value.strip() if isinstance(value, str) else ""
        day = date.fromisoformat(f"2000-{text}" if len(text) == 5 else "")  # a leap year
    except ValueError:
        raise ValueError(_("Enter a day of the year as MM-DD.")) from None
    return DayOfYear((day.month, day.day))


def _choices(value: object, data_type: AttributeType) -> tuple[One, ...]:
    choices = tuple(_one(choice, data_type) for choice in value) if isinstance(value, list | tuple) else ()
    if not choices:
        raise ValueError(_("Enter at least one value."))
    if len(choices) > MAX_CHOICES:
        raise ValueError(_("Enter at most %(most)d values.") % {"most": MAX_CHOICES})
    return choices


def _pair(value: object, data_type: AttributeType) -> tuple[One, One]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(_("Enter two values: from and to."))
    if data_type in (AttributeType.DATE, AttributeType.DATETIME):
        first, last = _date(value[0]), _date(value[1])
        if first > last:
            raise ValueError(_("The first date must not be after the second."))
        return first, last
    low, high = (_one(part, data_type) for part in value)
    if not isinstance(low, str) and not isinstance(high, str) and low > high:  # type: ignore[operator]
        raise ValueError(_("The first number must not be greater than the second."))
    return low, high


_PARSERS: Mapping[Takes, Callable[[object, AttributeType], Operand]] = {
    Takes.NOTHING: lambda _value, _data_type: None,
    Takes.ONE: _one,
    Takes.TWO: _pair,
    Takes.MANY: _choices,
    Takes.DAYS: _days,
    Takes.PERIOD: _period,
    Takes.MONTH: _month,
    Takes.DAY: _day,
}

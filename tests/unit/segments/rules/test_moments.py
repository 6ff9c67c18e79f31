"""Bounds of date operators in the environment's time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from segments.models import AttributeType
from segments.rules.moments import Bound, bounds, days_of, month_of, start_of_day
from segments.rules.values import DayOfYear, MonthOfYear, Operand, Period, Unit

HELSINKI = ZoneInfo("Europe/Helsinki")
MOMENT = datetime(
    2024, 3, 30, 23, 30, tzinfo=UTC
)  # March 31 in Helsinki, whose clocks go forward three hours later


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("Europe/Helsinki", date(2024, 3, 31), datetime(2024, 3, 30, 22, tzinfo=UTC)),
        ("Europe/Helsinki", date(2024, 4, 1), datetime(2024, 3, 31, 21, tzinfo=UTC)),
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),  # begins at 1:00
        ("America/Havana", date(2024, 11, 3), datetime(2024, 11, 3, 4, tzinfo=UTC)),  # has 0:30 twice
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10, tzinfo=UTC)),  # was left out
        ("America/Toronto", date(1919, 3, 31), datetime(1919, 3, 31, 4, 30, tzinfo=UTC)),  # from 23:30 to 0:30
    ],
)
def test_a_day_begins_at_its_first_moment(zone: str, day: date, first: datetime) -> None:
    assert start_of_day(day, ZoneInfo(zone)) == first


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar_are_days(day: date) -> None:
    assert start_of_day(day, HELSINKI) == datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert len(bounds("on", day, AttributeType.DATETIME, MOMENT, HELSINKI)) == 2


def days(key: str, operand: Operand) -> list[tuple[str, str]]:
    found = bounds(key, operand, AttributeType.DATE, MOMENT, HELSINKI)
    return [(bound.sign, bound.at.isoformat()) for bound in found]


def test_periods_of_dates_count_from_today() -> None:
    assert days("within_last_days", 1) == [(">=", "2024-03-30"), ("<=", "2024-03-31")]
    assert days("in_last", Period(2, Unit.WEEKS)) == [(">=", "2024-03-17"), ("<=", "2024-03-31")]
    assert days("in_next", Period(3, Unit.DAYS)) == [(">=", "2024-03-31"), ("<=", "2024-04-03")]
    assert days("more_than_ago", Period(1, Unit.MONTHS)) == [("<", "2024-02-29")]
    assert days("in_last", Period(2, Unit.MONTHS)) == [(">=", "2024-01-31"), ("<=", "2024-03-31")]


def moments(key: str, operand: Operand) -> list[Bound]:
    return bounds(key, operand, AttributeType.DATETIME, MOMENT, HELSINKI)


def test_periods_of_moments_end_or_begin_now() -> None:
    assert moments("in_last", Period(1, Unit.DAYS)) == [
        Bound(">=", datetime(2024, 3, 29, 22, tzinfo=UTC)),
        Bound("<=", MOMENT),
    ]
    assert moments("in_next", Period(1, Unit.DAYS)) == [
        Bound(">", MOMENT),
        Bound("<", datetime(2024, 4, 1, 21, tzinfo=UTC)),
    ]
    assert moments("in_last", Period(24, Unit.HOURS)) == [
        Bound(">=", MOMENT - timedelta(days=1)),
        Bound("<=", MOMENT),
    ]


def test_a_day_of_moments_ends_where_the_next_begins() -> None:
    assert moments("on", date(2024, 3, 31)) == [
        Bound(">=", datetime(2024, 3, 30, 22, tzinfo=UTC)),
        Bound("<", datetime(2024, 3, 31, 21, tzinfo=UTC)),
    ]
    assert moments("after", date(2024, 3, 31)) == [Bound(">=", datetime(2024, 3, 31, 21, tzinfo=UTC))]


def test_an_anniversary_of_february_29_is_on_28_in_a_common_year() -> None:
    common = datetime(2023, 2, 28, 12, tzinfo=UTC)
    leap = datetime(2024, 2, 28, 12, tzinfo=UTC)
    assert days_of(DayOfYear(None), common, HELSINKI) == [(2, 28), (2, 29)]
    assert days_of(DayOfYear(None), leap, HELSINKI) == [(2, 28)]
    assert days_of(DayOfYear((2, 29)), common, HELSINKI) == [(2, 29)]


def test_the_current_month_is_that_of_the_environment() -> None:
    moment = datetime(2024, 3, 31, 23, tzinfo=UTC)
    assert month_of(MonthOfYear(None), moment, HELSINKI) == 4
    assert month_of(MonthOfYear(1), moment, HELSINKI) == 1

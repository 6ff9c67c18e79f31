"""From a rule and a moment to the next due moment."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.platform.schedules.next_due import (
    LAST_DAY,
    Recurrence,
    Rule,
    due_moments,
    latest_due,
    next_due,
    problems,
)
from tests.unit.config.platform.schedules.minute_walk import times_of_day

ZONES = ["UTC", "Europe/Warsaw", "Asia/Jakarta", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"]
moments = st.floats(0, 35 * 365).map(lambda days: datetime(2005, 1, 1, tzinfo=UTC) + timedelta(days=days))
wall_times = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    recurrence = draw(st.sampled_from([each for each in Recurrence if each != Recurrence.CRON]))
    counts_hours = recurrence == Recurrence.HOURS
    rule = Rule(
        recurrence=recurrence,
        zone=draw(st.sampled_from(ZONES)),
        times=tuple(draw(st.lists(wall_times, min_size=1, max_size=1 if counts_hours else 4, unique=True))),
        starts_on=draw(st.dates(date(2004, 1, 1), date(2040, 1, 1))) if counts_hours else None,
        hours=draw(st.integers(1, 744)) if counts_hours else 0,
        weekdays=_some(draw, st.integers(0, 6), recurrence == Recurrence.WEEKLY),
        month_days=_some(draw, st.sampled_from([*range(1, 32), LAST_DAY]), recurrence == Recurrence.MONTHLY),
    )
    assert not problems(rule)
    return rule


def _some(draw: st.DrawFn, values: st.SearchStrategy[int], wanted: bool) -> tuple[int, ...]:
    return tuple(draw(st.lists(values, min_size=1, max_size=5, unique=True))) if wanted else ()


@given(rules(), moments)
def test_it_is_always_later(rule: Rule, after: datetime) -> None:
    assert next_due(rule, after) > after


@given(rules(), moments, st.floats(0, 0.999))
def test_it_passes_nothing_over(rule: Rule, after: datetime, share: float) -> None:
    """From anywhere before a due moment, the next one is that same moment."""
    due = next_due(rule, after)
    assert next_due(rule, after + (due - after) * share) == due


@given(rules(), moments)
def test_it_is_never_due_before_it_starts(rule: Rule, after: datetime) -> None:
    start = (after + timedelta(days=40)).date()
    assert next_due(Rule(**vars(rule) | {"starts_on": start}), after).date() >= start - timedelta(days=1)


@given(rules(), moments, st.integers(0, 8))
def test_the_latest_of_those_missed_is_found_without_walking_from_the_first(
    rule: Rule, after: datetime, missed: int
) -> None:
    due = list(islice(due_moments(rule, after), missed + 2))
    assert latest_due(rule, due[0], due[missed]) == due[missed]
    assert latest_due(rule, due[0], due[missed + 1] - timedelta(seconds=1)) == due[missed]


def test_years_of_missed_hours_are_passed_in_a_moment() -> None:
    rule = Rule(Recurrence.HOURS, "UTC", (time(0),), starts_on=date(2000, 1, 1), hours=1)
    first, until = datetime(2000, 1, 1, tzinfo=UTC), datetime(2190, 1, 1, 0, 30, tzinfo=UTC)
    assert latest_due(rule, first, until) == datetime(2190, 1, 1, tzinfo=UTC)


@given(st.sampled_from(ZONES), moments, st.integers(1, 744))
def test_hours_that_pass_are_counted_whatever_the_wall_says(zone: str, after: datetime, hours: int) -> None:
    rule = Rule(Recurrence.HOURS, zone, (time(2, 30),), starts_on=date(2004, 1, 1), hours=hours)
    first, second = islice(due_moments(rule, after), 2)
    assert second - first == timedelta(hours=hours)


@given(st.sampled_from(["Europe/Warsaw", "Asia/Jakarta", "America/Sao_Paulo"]), moments)
def test_a_time_that_every_day_has_is_kept_on_the_wall(zone: str, after: datetime) -> None:
    due = next_due(Rule(Recurrence.DAILY, zone, (time(14, 30),)), after)
    assert due.astimezone(ZoneInfo(zone)).time() == time(14, 30)


def test_a_month_without_the_day_is_passed_over() -> None:
    rule = Rule(Recurrence.MONTHLY, "UTC", (time(6),), month_days=(31,))
    due = islice(due_moments(rule, datetime(2026, 1, 31, 6, tzinfo=UTC)), 3)
    assert [f"{moment:%m-%d}" for moment in due] == ["03-31", "05-31", "07-31"]


@pytest.mark.parametrize(("year", "last"), [(2027, "02-28"), (2028, "02-29")])
def test_the_last_day_of_february_depends_on_the_year(year: int, last: str) -> None:
    rule = Rule(Recurrence.MONTHLY, "UTC", (time(6),), month_days=(LAST_DAY,))
    assert f"{next_due(rule, datetime(year, 2, 1, tzinfo=UTC)):%m-%d}" == last


def test_the_last_day_and_its_number_are_due_once() -> None:
    rule = Rule(Recurrence.MONTHLY, "UTC", (time(6),), month_days=(31, LAST_DAY))
    due = islice(due_moments(rule, datetime(2026, 1, 1, tzinfo=UTC)), 3)
    assert [f"{moment:%m-%d}" for moment in due] == ["01-31", "02-28", "03-31"]


def test_two_times_that_fall_together_when_clocks_go_forward_are_due_once() -> None:
    rule = Rule(Recurrence.DAILY, "Europe/Warsaw", times_of_day("02:30", "03:30"))
    due = islice(due_moments(rule, datetime(2026, 3, 29, tzinfo=UTC)), 2)
    assert list(due) == [datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"zone": "../etc"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"times": ()}, "times"),
        ({"times": (time(2), time(2))}, "times"),
        ({"times": times_of_day("01:00", "02:00", "03:00", "04:00", "05:00")}, "times"),
        ({"times": (time(2, 0, 30),)}, "times"),
        ({"starts_on": date(9999, 12, 31)}, "starts_on"),
        ({"recurrence": Recurrence.WEEKLY}, "weekdays"),
        ({"weekdays": (1,)}, "weekdays"),
        ({"recurrence": Recurrence.MONTHLY, "month_days": (0,)}, "month_days"),
        ({"month_days": (1,)}, "month_days"),
        ({"hours": 6}, "hours"),
        ({"recurrence": Recurrence.HOURS, "starts_on": date(2026, 1, 1)}, "hours"),
        ({"recurrence": Recurrence.HOURS, "hours": 6}, "starts_on"),
        (
            {
                "recurrence": Recurrence.HOURS,
                "hours": 6,
                "starts_on": date(2026, 1, 1),
                "times": times_of_day("01:00", "02:00"),
            },
            "times",
        ),
    ],
)
def test_it_names_the_field_that_cannot_be(changed: dict[str, object], field: str) -> None:
    whole = Rule(Recurrence.DAILY, "Europe/Warsaw", (time(2),))
    assert not problems(whole)
    assert list(problems(Rule(**vars(whole) | changed))) == [field]

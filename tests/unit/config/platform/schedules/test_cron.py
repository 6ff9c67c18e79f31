"""From cron text and a moment to the next due moment."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.platform.schedules.cron import cron_problem
from config.platform.schedules.next_due import Recurrence, Rule, due_moments, latest_due, next_due, problems
from config.platform.schedules.serialize import WrongRule, from_plain, to_plain

ZONES = ["UTC", "Europe/Warsaw", "Asia/Jakarta", "America/Sao_Paulo", "America/New_York"]
moments = st.floats(0, 35 * 365).map(lambda days: datetime(2005, 1, 1, tzinfo=UTC) + timedelta(days=days))
minutes = st.one_of(st.just("*"), st.just("*/15"), st.integers(0, 59).map(str))
hours = st.one_of(st.just("*"), st.just("*/6"), st.just("8-17"), st.integers(0, 23).map(str))
days = st.sampled_from(
    [("*", "*", "*"), ("1", "*", "*"), ("L", "*", "*"), ("*", "*", "1-5"), ("*", "3,10", "SUN")]
)
texts = st.builds(lambda minute, hour, day: " ".join([minute, hour, *day]), minutes, hours, days)


def _rule(text: str, zone: str = "Europe/Warsaw", starts_on: date | None = None) -> Rule:
    return Rule(Recurrence.CRON, zone, (), starts_on=starts_on, cron=text)


rules = st.builds(_rule, texts, st.sampled_from(ZONES))


def _on_the_wall(rule: Rule, after: datetime, count: int) -> list[str]:
    zone = ZoneInfo(rule.zone)
    return [f"{each.astimezone(zone):%a %m-%d %H:%M %z}" for each in islice(due_moments(rule, after), count)]


@given(rules, moments)
def test_it_is_always_later_and_on_a_minute(rule: Rule, after: datetime) -> None:
    due = next_due(rule, after)
    assert due > after
    assert (due.second, due.microsecond) == (0, 0)


@given(rules, moments, st.floats(0, 0.999))
def test_it_passes_nothing_over(rule: Rule, after: datetime, share: float) -> None:
    due = next_due(rule, after)
    assert next_due(rule, after + (due - after) * share) == due


@given(rules, moments, st.integers(0, 40), st.floats(0, 0.999))
def test_the_latest_moment_is_the_last_that_walking_finds(
    rule: Rule, after: datetime, steps: int, share: float
) -> None:
    first, *_others, last, upcoming = islice(due_moments(rule, after), steps + 3)
    until = last + (upcoming - last) * share
    assert latest_due(rule, first, until) == last


def test_it_speaks_of_the_time_on_the_wall_on_workdays() -> None:
    after = datetime(2026, 11, 27, 12, tzinfo=UTC)  # a Friday
    assert _on_the_wall(_rule("0 6 * * 1-5"), after, 3) == [
        "Mon 11-30 06:00 +0100",
        "Tue 12-01 06:00 +0100",
        "Wed 12-02 06:00 +0100",
    ]


def test_a_time_that_a_day_does_not_have_is_due_after_the_jump() -> None:
    after = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert _on_the_wall(_rule("30 2 * * *"), after, 3) == [
        "Sat 03-28 02:30 +0100",
        "Sun 03-29 03:00 +0200",
        "Mon 03-30 02:30 +0200",
    ]


def test_a_time_that_a_day_has_twice_is_due_once() -> None:
    after = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert _on_the_wall(_rule("30 2 * * *"), after, 2) == ["Sun 10-25 02:30 +0200", "Mon 10-26 02:30 +0100"]


def test_steps_keep_their_distance_when_clocks_go_back() -> None:
    after = datetime(2026, 10, 24, 23, 45, tzinfo=UTC)
    found = list(islice(due_moments(_rule("*/30 * * * *"), after), 6))
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}


def test_it_is_never_due_before_its_start() -> None:
    rule = _rule("0 0 * * *", starts_on=date(2026, 12, 24))
    after = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert _on_the_wall(rule, after, 1) == ["Thu 12-24 00:00 +0100"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Enter five fields"),
        ("0 6 * *", "Enter five fields"),
        ("0 0 6 * * 1-5", "Enter five fields"),
        ("@daily", "Enter five fields"),
        ("60 6 * * *", "The first field is the minute"),
        ("0 24 * * *", "The second field is the hour"),
        ("0 6 32 * *", "The third field is the day of the month"),
        ("0 6 30 2 *", "day of the month"),
        ("0 6 * 13 *", "The fourth field is the month"),
        ("0 6 * * 8", "The fifth field is the day of the week"),
        ("0 6 * * 1-5" + " " * 100 + "; DROP", "Enter five fields"),
        ("*/0 * * * *", "minute"),
        ("٠ 6 * * *", "minute"),
    ],
)
def test_it_says_which_field_is_wrong(text: str, sentence: str) -> None:
    problem = cron_problem(text)
    assert problem is not None
    assert sentence in str(problem)
    assert list(problems(_rule(text))) == ["cron"]


@pytest.mark.parametrize(
    "text", ["0 6 * * 1-5", "*/15 8-17 * * MON-FRI", "0 0 29 2 *", "0 3 L * *", "5 4 * * SUN#1"]
)
def test_it_knows_what_cron_knows(text: str) -> None:
    assert cron_problem(text) is None


def test_plain_values_hold_it_in_one_way() -> None:
    rule = from_plain({"recurrence": "cron", "zone": "Europe/Warsaw", "cron": " 0  6 * *\t1-5 "})
    assert to_plain(rule) == {"recurrence": "cron", "zone": "Europe/Warsaw", "cron": "0 6 * * 1-5"}


@pytest.mark.parametrize(
    ("plain", "field"),
    [
        ({"recurrence": "cron", "zone": "UTC"}, "cron"),
        ({"recurrence": "cron", "zone": "UTC", "cron": "0 6 * * *", "times": ["02:00"]}, "times"),
        ({"recurrence": "daily", "zone": "UTC", "times": ["02:00"], "cron": "0 6 * * *"}, "cron"),
    ],
)
def test_other_fields_do_not_mix_with_it(plain: dict[str, object], field: str) -> None:
    with pytest.raises(WrongRule) as wrong:
        from_plain(plain)
    assert list(wrong.value.problems) == [field]

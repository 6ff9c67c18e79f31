"""Due moments where clocks are changed and months end, against a walk through every minute."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest

from config.platform.schedules.next_due import LAST_DAY, Recurrence, Rule, due_moments
from tests.unit.config.platform.schedules.minute_walk import changes_of_the_clocks, due_by_walking, times_of_day

# Zones and years: with daylight saving, without it now but once with it, with half an hour of it, with a rule or
# an offset that the government changed, with a day that never was.
CHANGES = [
    ("Europe/Warsaw", 2026),
    ("Europe/Helsinki", 2026),
    ("Europe/Bucharest", 2026),
    ("Asia/Jakarta", 1963),
    ("Asia/Shanghai", 1988),
    ("Australia/Lord_Howe", 2026),
    ("Europe/Istanbul", 2016),
    ("Asia/Almaty", 2024),
    ("America/Sao_Paulo", 2018),
    ("Pacific/Apia", 2011),
    ("Africa/Casablanca", 2026),
]
TIMES = times_of_day("00:00", "02:15", "02:30", "03:10")


def _rules(zone: str) -> list[Rule]:
    return [
        Rule(Recurrence.DAILY, zone, TIMES),
        Rule(Recurrence.DAILY, zone, times_of_day("01:45", "02:45", "03:00", "23:30")),
        Rule(Recurrence.WEEKLY, zone, TIMES, weekdays=(5, 6)),
        Rule(Recurrence.MONTHLY, zone, TIMES, month_days=(1, 29, 30, LAST_DAY)),
    ]


def _due(rule: Rule, after: datetime, until: datetime) -> list[datetime]:
    return list(takewhile(lambda moment: moment <= until, due_moments(rule, after)))


@pytest.mark.parametrize(("zone", "year"), CHANGES)
def test_it_agrees_with_the_wall_whenever_clocks_are_changed(zone: str, year: int) -> None:
    changes = changes_of_the_clocks(zone, year)
    assert changes
    for change in changes:
        after, until = change - timedelta(days=2), change + timedelta(days=3)
        for rule in _rules(zone):
            assert _due(rule, after, until) == due_by_walking(rule, after, until)


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Asia/Shanghai"])
def test_it_agrees_with_the_wall_where_clocks_are_left_alone(zone: str) -> None:
    assert not changes_of_the_clocks(zone, 2026)
    after = datetime(2028, 2, 27, tzinfo=UTC)  # a leap year
    until = after + timedelta(days=5)
    for rule in _rules(zone):
        assert _due(rule, after, until) == due_by_walking(rule, after, until)


@pytest.mark.parametrize(
    ("zone", "at", "due"),
    [
        ("Europe/Warsaw", "02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # skipped: at 03:30
        ("Europe/Warsaw", "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # the first of two
        ("Australia/Lord_Howe", "02:15", datetime(2026, 10, 3, 15, 45, tzinfo=UTC)),  # skipped: at 02:45
    ],
)
def test_the_walk_itself_knows_the_nights_written_out_by_hand(zone: str, at: str, due: datetime) -> None:
    rule = Rule(Recurrence.DAILY, zone, times_of_day(at))
    assert due_by_walking(rule, due - timedelta(hours=12), due + timedelta(hours=10)) == [due]

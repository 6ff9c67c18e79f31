"""When a schedule is due next, one row for each rule; moments are given with the offset of their zone."""

from datetime import date, datetime, time
from typing import Any

import pytest

from config.platform.schedules.next_due import LAST_DAY, Recurrence, Rule, latest_due, next_due

MONDAY, THURSDAY = 0, 3
MORNING, EVENING, NIGHT = time(8), time(20), time(2, 30)


def rule_of(recurrence: Recurrence, *times: time, **fields: Any) -> Rule:
    return Rule(recurrence, "Europe/Warsaw", times, **fields)


DAILY = rule_of(Recurrence.DAILY, MORNING)
TWICE = rule_of(Recurrence.DAILY, MORNING, EVENING)
LATER = rule_of(Recurrence.DAILY, MORNING, starts_on=date(2026, 4, 1))
WEEKLY = rule_of(Recurrence.WEEKLY, MORNING, weekdays=(MONDAY, THURSDAY))
ON_31 = rule_of(Recurrence.MONTHLY, MORNING, month_days=(31,))
LAST = rule_of(Recurrence.MONTHLY, MORNING, month_days=(LAST_DAY,))
AT_NIGHT = rule_of(Recurrence.DAILY, NIGHT)
EVERY_6 = rule_of(Recurrence.HOURS, time(0), starts_on=date(2026, 3, 1), hours=6)
EVERY_24 = rule_of(Recurrence.HOURS, MORNING, starts_on=date(2026, 3, 1), hours=24)

RULES = [
    ("a moment that is still to come today", DAILY, "2026-03-02T07:59+01:00", "2026-03-02T08:00+01:00"),
    ("a due moment is followed by the next one", DAILY, "2026-03-02T08:00+01:00", "2026-03-03T08:00+01:00"),
    ("the next of several times of a day", TWICE, "2026-03-02T12:00+01:00", "2026-03-02T20:00+01:00"),
    (
        "after the last time of a day the first of the next",
        TWICE,
        "2026-03-02T20:00+01:00",
        "2026-03-03T08:00+01:00",
    ),
    ("never before the start", LATER, "2026-03-02T12:00+01:00", "2026-04-01T08:00+02:00"),
    ("the next chosen weekday", WEEKLY, "2026-03-02T08:00+01:00", "2026-03-05T08:00+01:00"),
    (
        "after the last weekday the first of the next week",
        WEEKLY,
        "2026-03-05T08:00+01:00",
        "2026-03-09T08:00+01:00",
    ),
    ("a month without the day is skipped", ON_31, "2026-01-31T08:00+01:00", "2026-03-31T08:00+02:00"),
    ("every month has a last day", LAST, "2026-01-31T08:00+01:00", "2026-02-28T08:00+01:00"),
    ("a leap year has another last day", LAST, "2028-01-31T08:00+01:00", "2028-02-29T08:00+01:00"),
    ("a time that a day does not have is due later", AT_NIGHT, "2026-03-28T12:00+01:00", "2026-03-29T03:30+02:00"),
    ("a time that a day has twice is due first", AT_NIGHT, "2026-10-24T12:00+02:00", "2026-10-25T02:30+02:00"),
    ("a time that a day has twice is due once", AT_NIGHT, "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
    ("local time is kept when clocks go forward", DAILY, "2026-03-28T08:00+01:00", "2026-03-29T08:00+02:00"),
    ("hours are counted from the start", EVERY_6, "2026-03-02T05:59+01:00", "2026-03-02T06:00+01:00"),
    ("hours go on over midnight", EVERY_6, "2026-03-02T18:00+01:00", "2026-03-03T00:00+01:00"),
    ("hours count time that passes", EVERY_24, "2026-03-28T08:00+01:00", "2026-03-29T09:00+02:00"),
]

MISSED = [
    ("nothing later was due", DAILY, "2026-03-02T08:00+01:00", "2026-03-03T07:59+01:00", "2026-03-02T08:00+01:00"),
    (
        "the moment itself counts",
        DAILY,
        "2026-03-02T08:00+01:00",
        "2026-03-03T08:00+01:00",
        "2026-03-03T08:00+01:00",
    ),
    ("of several the latest", TWICE, "2026-03-02T08:00+01:00", "2026-03-09T12:00+01:00", "2026-03-09T08:00+01:00"),
    ("over skipped months", ON_31, "2026-01-31T08:00+01:00", "2026-05-01T00:00+02:00", "2026-03-31T08:00+02:00"),
    ("by the hour", EVERY_6, "2026-03-02T00:00+01:00", "2026-03-04T13:00+01:00", "2026-03-04T12:00+01:00"),
]


@pytest.mark.parametrize(("meaning", "rule", "after", "due"), RULES, ids=[row[0] for row in RULES])
def test_next_due_moment_follows_from_the_rule(meaning: str, rule: Rule, after: str, due: str) -> None:
    assert next_due(rule, datetime.fromisoformat(after)) == datetime.fromisoformat(due), meaning


@pytest.mark.parametrize(("meaning", "rule", "first", "until", "due"), MISSED, ids=[row[0] for row in MISSED])
def test_of_missed_moments_the_latest_is_found(meaning: str, rule: Rule, first: str, until: str, due: str) -> None:
    found = latest_due(rule, datetime.fromisoformat(first), datetime.fromisoformat(until))
    assert found == datetime.fromisoformat(due), meaning

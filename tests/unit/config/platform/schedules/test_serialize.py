"""Rules in plain values."""

import json
from datetime import time
from typing import Any

import pytest
from hypothesis import given

from config.platform.schedules.next_due import LAST_DAY, Recurrence, Rule
from config.platform.schedules.serialize import WrongRule, from_plain, to_plain
from tests.unit.config.platform.schedules.test_next_due import rules

DAILY: dict[str, Any] = {"recurrence": "daily", "zone": "UTC", "times": ["02:00"]}


@given(rules())
def test_it_comes_back_from_the_database_as_it_went(rule: Rule) -> None:
    once = from_plain(json.loads(json.dumps(to_plain(rule))))
    assert set(once.month_days) == set(rule.month_days)
    assert from_plain(to_plain(once)) == once


def test_it_is_written_in_one_way() -> None:
    rule = from_plain(
        {
            "recurrence": "monthly",
            "zone": "Europe/Warsaw",
            "times": ["14:00", "02:00"],
            "month_days": ["last", 15, 1, 15],
        }
    )
    assert rule == Rule(Recurrence.MONTHLY, "Europe/Warsaw", (time(2), time(14)), month_days=(1, 15, LAST_DAY))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"recurrence": "yearly"}, "recurrence"),
        ({"recurrence": None}, "recurrence"),
        ({"times": "02:00"}, "times"),
        ({"times": ["25:00"]}, "times"),
        ({"times": [1440]}, "times"),
        ({"times": [None]}, "times"),
        ({"starts_on": "soon"}, "starts_on"),
        ({"hours": "six"}, "hours"),
        ({"hours": True}, "hours"),
        ({"weekdays": ["someday"]}, "weekdays"),
        ({"month_days": ["first"]}, "month_days"),
        ({"zone": None}, "zone"),
        ({"minutes": 5}, "minutes"),
    ],
)
def test_it_names_the_field_that_cannot_be_read(changed: dict[str, object], field: str) -> None:
    with pytest.raises(WrongRule) as wrong:
        from_plain(DAILY | changed)
    assert list(wrong.value.problems) == [field]

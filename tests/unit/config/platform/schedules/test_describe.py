"""Rules in words."""

from datetime import UTC, datetime

import pytest
import time_machine

from config.platform.schedules.describe import describe_rule, note
from config.platform.schedules.serialize import from_plain

WARSAW = {"zone": "Europe/Warsaw", "times": ["02:00"]}


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"recurrence": "daily"}, "Daily at 02:00 (Europe/Warsaw)"),
        (
            {"recurrence": "daily", "times": ["02:00", "08:30", "14:00"]},
            "Daily at 02:00, 08:30 and 14:00 (Europe/Warsaw)",
        ),
        (
            {"recurrence": "weekly", "weekdays": ["thursday", "monday"]},
            "Weekly on Monday and Thursday at 02:00 (Europe/Warsaw)",
        ),
        (
            {"recurrence": "monthly", "month_days": [1, 15, "last"]},
            "Monthly on day 1, day 15 and the last day at 02:00 (Europe/Warsaw)",
        ),
        (
            {"recurrence": "hours", "hours": 6, "starts_on": "2026-11-25"},
            "Every 6 hours, counted from Nov. 25, 2026, 02:00 (Europe/Warsaw)",
        ),
        (
            {"recurrence": "hours", "hours": 1, "starts_on": "2026-11-25"},
            "Every hour, counted from Nov. 25, 2026, 02:00 (Europe/Warsaw)",
        ),
    ],
)
def test_a_schedule_is_described_in_words(plain: dict[str, object], words: str) -> None:
    assert describe_rule(from_plain(WARSAW | plain)) == words


def test_it_says_from_when_only_while_that_is_to_come() -> None:
    rule = from_plain(WARSAW | {"recurrence": "daily", "starts_on": "2026-12-01"})
    with time_machine.travel(datetime(2026, 11, 25, tzinfo=UTC)):
        assert describe_rule(rule) == "Daily at 02:00 (Europe/Warsaw), from Dec. 1, 2026"
    with time_machine.travel(datetime(2026, 12, 2, tzinfo=UTC)):
        assert describe_rule(rule) == "Daily at 02:00 (Europe/Warsaw)"


def test_it_warns_of_days_that_some_months_do_not_have() -> None:
    assert note(from_plain(WARSAW | {"recurrence": "monthly", "month_days": [28, "last"]})) == ""
    assert "are skipped" in note(from_plain(WARSAW | {"recurrence": "monthly", "month_days": [29]}))

"""`manage.py apply`: the schedules of exports and segments."""

from pathlib import Path

import pytest

from config.console.manifest.apply import apply
from config.console.manifest.document import FileRefused
from segments.models import Segment, SegmentSchedule
from tests.support.profiles import create_profiles

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    create_profiles([{"email": "aino@example.com"}])
    return tmp_path / "schedules.yaml"


def write(file: Path, schedule: str) -> Path:
    file.write_text(f"segments:\n  - name: Everybody\n    rules: {{rules: []}}\n    schedule: {schedule}\n")
    return file


def test_it_schedules_what_it_makes_and_a_second_time_writes_nothing(file: Path) -> None:
    text = "{recurrence: monthly, times: [02:00], zone: Europe/Warsaw, month_days: [1, last]}"
    assert apply(write(file, text)) == ["segment “Everybody”: created"]
    schedule = SegmentSchedule.objects.get()
    assert (schedule.is_on, schedule.version) == (True, 1)
    assert schedule.rule == {
        "recurrence": "monthly",
        "times": ["02:00"],
        "zone": "Europe/Warsaw",
        "month_days": [1, "last"],
    }
    assert apply(file) == ["segment “Everybody”: unchanged"]


def test_it_takes_cron_text(file: Path) -> None:
    apply(write(file, "{recurrence: cron, cron: '0 6 * * 1-5', zone: Europe/Warsaw}"))
    assert SegmentSchedule.objects.get().rule == {
        "recurrence": "cron",
        "zone": "Europe/Warsaw",
        "cron": "0 6 * * 1-5",
    }
    with pytest.raises(FileRefused, match="cron: The second field is the hour: 0 to 23"):
        apply(write(file, "{recurrence: cron, cron: '0 25 * * *', zone: UTC}"))


@pytest.mark.parametrize(
    ("text", "is_on", "hours"),
    [
        ("off", False, None),
        ("{on: no, recurrence: hours, hours: 6, starts_on: 2026-11-25, times: [02:00], zone: UTC}", False, 6),
        ("{recurrence: system, on: no}", False, None),
    ],
)
def test_it_changes_a_schedule(file: Path, text: str, is_on: bool, hours: int | None) -> None:
    apply(write(file, "system"))
    assert apply(write(file, text)) == ["segment “Everybody”: updated (schedule)"]
    schedule = SegmentSchedule.objects.get()
    assert (schedule.is_on, (schedule.rule or {}).get("hours")) == (is_on, hours)


def test_what_it_does_not_say_stays(file: Path) -> None:
    apply(write(file, "off"))
    file.write_text("segments:\n  - name: Everybody\n    rules: {rules: []}\n")
    assert apply(file) == ["segment “Everybody”: unchanged"]
    assert not SegmentSchedule.objects.get().is_on


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("often", "Use system, off"),
        ("{recurrence: yearly, times: [02:00], zone: UTC}", "weekly, monthly or cron"),
        ("{recurrence: daily, times: [25:00], zone: UTC}", "“25:00” cannot be used here"),
        ("{recurrence: daily, times: [02:00], zone: Atlantis}", "Choose a time zone"),
        ("{recurrence: daily, times: [02:00], zone: UTC, days: [monday]}", "“days” is unknown"),
        ("{on: perhaps, recurrence: daily, times: [02:00], zone: UTC}", "“on” must be yes or no."),
    ],
)
def test_it_refuses_a_schedule_that_is_none_and_says_where(file: Path, text: str, reason: str) -> None:
    with pytest.raises(FileRefused) as refused:
        apply(write(file, text))
    assert [problem.line for problem in refused.value.problems] == [4]
    assert reason in str(refused.value.problems[0])
    assert not Segment.objects.exists()

"""`manage.py apply`: when the system is refreshed automatically."""

from pathlib import Path

import pytest

from config.console.manifest.apply import apply
from config.console.manifest.document import FileRefused
from config.console.models import SystemSchedule
from config.console.system_refresh import actions
from config.platform.audit.models import AuditEntry

pytestmark = pytest.mark.django_db
WEEKLY = "{recurrence: weekly, weekdays: [monday], times: [02:00, 14:00], zone: Europe/Warsaw}"
UPDATED = ["schedule “System refresh”: updated"]
UNCHANGED = ["schedule “System refresh”: unchanged"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "system.yaml"


def write(file: Path, schedule: str) -> Path:
    file.write_text(f"system_refresh:\n  schedule: {schedule}\n")
    return file


def test_it_switches_it_on_and_a_second_time_writes_nothing(file: Path) -> None:
    assert apply(write(file, WEEKLY)) == UPDATED
    row = SystemSchedule.objects.get()
    assert row.is_on
    assert row.due_at is not None
    assert row.rule == {
        "recurrence": "weekly",
        "zone": "Europe/Warsaw",
        "times": ["02:00", "14:00"],
        "weekdays": ["monday"],
    }
    assert apply(file) == UNCHANGED
    assert SystemSchedule.objects.get().version == row.version
    entry = AuditEntry.objects.get()
    assert (entry.target_name, entry.actor_name) == ("System schedule", "system")


def test_off_keeps_the_times(file: Path) -> None:
    apply(write(file, WEEKLY))
    rule = SystemSchedule.objects.get().rule
    assert apply(write(file, "off")) == UPDATED
    row = SystemSchedule.objects.get()
    assert (row.is_on, row.rule, row.due_at) == (False, rule, None)
    assert apply(file) == UNCHANGED


def test_a_dry_run_only_says_so(file: Path) -> None:
    assert apply(write(file, WEEKLY), dry_run=True) == UPDATED
    assert not actions.load_schedule().is_on
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("system", "cannot use the system schedule"),
        (
            "{recurrence: hours, hours: 6, starts_on: 2026-11-25, times: [02:00], zone: UTC}",
            "daily or weekly",
        ),
        ("{recurrence: monthly, month_days: [1], times: [02:00], zone: UTC}", "daily or weekly"),
        ("{recurrence: daily, starts_on: 2026-11-25, times: [02:00], zone: UTC}", "no start date"),
        ("{recurrence: daily, times: [02:00], zone: Atlantis}", "Choose a time zone"),
        ("often", "Use system, off"),
    ],
)
def test_it_refuses_what_the_system_refresh_cannot_have(file: Path, text: str, reason: str) -> None:
    with pytest.raises(FileRefused) as refused:
        apply(write(file, text))
    assert [problem.line for problem in refused.value.problems] == [2]
    assert reason in str(refused.value.problems[0])
    assert not SystemSchedule.objects.filter(is_on=True).exists()


def test_it_says_what_is_missing(file: Path) -> None:
    file.write_text("system_refresh: {}\n")
    with pytest.raises(FileRefused, match="“schedule” is missing"):
        apply(file)

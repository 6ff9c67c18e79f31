"""System refreshes, their steps and due moments go after their time; the last of each stays."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from config.console import tasks
from config.console.models import RefreshStep, StepKind, SystemRefresh, SystemSchedule, SystemTick
from config.console.system_refresh import actions
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus, TickResult

pytestmark = pytest.mark.django_db


def refreshed(days_ago: int, *, status: JobStatus = JobStatus.SUCCESSFUL, steps: int = 3) -> SystemRefresh:
    """A refresh so long ago with its tick; each step is skipped because of the one before."""
    at = clock.now() - timedelta(days=days_ago)
    finished_at = None if status == JobStatus.QUEUED else at
    trigger = SystemRefresh.Trigger.SCHEDULE
    refresh = SystemRefresh.objects.create(trigger=trigger, status=status, created_at=at, finished_at=finished_at)
    cause = None
    for number in range(steps):
        cause = RefreshStep.objects.create(
            refresh=refresh, kind=StepKind.EXPORT, target_id=number, name=str(number), blocked_by=cause
        )
    SystemTick.objects.create(due_at=at, result=TickResult.STARTED, refresh=refresh)
    return refresh


def kept() -> list[SystemRefresh]:
    return list(SystemRefresh.objects.order_by("pk"))


def test_it_forgets_what_is_old_and_keeps_what_is_young() -> None:
    refreshed(91)
    young = [refreshed(89), refreshed(1)]
    assert actions.delete_old_refreshes() is False
    assert kept() == young
    assert RefreshStep.objects.count() == 6
    assert {tick.refresh for tick in SystemTick.objects.all()} == set(young)


def test_it_keeps_the_last_one_however_old_it_is() -> None:
    refreshed(300)
    last = refreshed(200)
    actions.delete_old_refreshes()
    assert kept() == [last]
    assert SystemTick.objects.get().refresh == last


def test_it_keeps_what_has_not_ended() -> None:
    waiting = refreshed(200, status=JobStatus.QUEUED)
    last = refreshed(1)
    actions.delete_old_refreshes()
    assert kept() == [waiting, last]


def test_how_long_is_a_setting(settings: Settings) -> None:
    settings.SCHEDULE_RETENTION_DAYS = 5
    refreshed(6)
    last = refreshed(4)
    actions.delete_old_refreshes()
    assert kept() == [last]


def test_it_takes_small_steps_and_continues_at_the_next_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "STEPS_AT_ONCE", 2)
    old, _last = refreshed(91, steps=5), refreshed(1)
    assert actions.delete_old_refreshes(seconds=0) is True
    assert list(old.steps.values_list("name", flat=True)) == ["0", "1", "2"]
    assert actions.delete_old_refreshes() is False
    assert not SystemRefresh.objects.filter(pk=old.pk).exists()


def test_the_system_schedule_follows_a_zone_that_changes_its_clocks() -> None:
    clock.run_from(datetime(2026, 11, 25, 12, tzinfo=UTC))
    try:
        actions.load_schedule()
        wrong = datetime(2026, 11, 26, 5, tzinfo=UTC)  # computed when the zone was an hour ahead
        SystemSchedule.objects.update(is_on=True, due_at=wrong)
        tasks.tend_schedules()
    finally:
        clock.run_as_usual()
    assert SystemSchedule.objects.get().due_at == wrong + timedelta(hours=1)

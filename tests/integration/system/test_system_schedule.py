"""The schedule of the system refresh starts every due moment once, whichever process looks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from pytest_django import Settings

from config.console import tasks
from config.console.models import SystemRefresh, SystemSchedule, SystemTick
from config.console.system_refresh import actions
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.schedules import display

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
MORNING = MIDNIGHT.replace(hour=6)
TWICE_A_DAY = {"recurrence": "daily", "zone": "UTC", "times": ["06:00", "18:00"]}


@pytest.fixture(autouse=True)
def midnight() -> Iterator[None]:
    clock.run_from(MIDNIGHT)
    yield
    clock.run_as_usual()


def switched_on(by: User) -> SystemSchedule:
    return actions.save_schedule(is_on=True, rule=TWICE_A_DAY, version=actions.load_schedule().version, by=by)


def results() -> list[tuple[datetime, str]]:
    return list(SystemTick.objects.order_by("due_at").values_list("due_at", "result"))


def test_it_is_off_until_an_administrator_switches_it_on() -> None:
    actions.load_schedule()
    clock.run_from(MIDNIGHT + timedelta(days=400))
    assert actions.start_due() is None
    assert display.system_state() == display.SystemState(is_on=False, next_due_at=None)


def test_it_is_due_at_its_times_and_not_before(alice: User) -> None:
    switched_on(alice)
    assert display.system_state().next_due_at == MORNING
    clock.run_from(MORNING - timedelta(seconds=1))
    assert actions.start_due() is None
    clock.run_from(MORNING)
    refresh = actions.start_due()
    assert refresh is not None
    assert (refresh.trigger, refresh.status) == (SystemRefresh.Trigger.SCHEDULE, JobStatus.QUEUED)
    assert actions.start_due() is None
    assert results() == [(MORNING, "started")]
    assert display.system_state().next_due_at == MORNING + timedelta(hours=12)


def test_a_moment_that_comes_due_while_one_runs_waits_for_it(alice: User) -> None:
    switched_on(alice)
    first = actions.refresh_all(by=alice, wake_worker=False)
    SystemRefresh.objects.filter(pk=first.pk).update(status=JobStatus.PROCESSING)
    clock.run_from(MORNING)
    second = actions.start_due()
    assert second is not None
    assert second.status == JobStatus.QUEUED
    clock.run_from(MORNING + timedelta(hours=12))
    assert actions.start_due() == second
    assert [result for _due, result in results()] == ["started", "joined"]
    SystemRefresh.objects.filter(pk=first.pk).update(status=JobStatus.SUCCESSFUL, finished_at=clock.now())
    tasks.enqueue_pending()
    second.refresh_from_db()
    assert not second.is_open


def test_what_was_missed_is_made_up_for_once(alice: User) -> None:
    switched_on(alice)
    clock.run_from(MORNING + timedelta(days=3, hours=1))
    assert actions.start_due() is not None
    assert results() == [(MORNING + timedelta(days=3), "started")]
    assert SystemTick.objects.get().was_missed
    assert SystemRefresh.objects.count() == 1


def test_what_was_missed_is_passed_over_where_one_wants_that(alice: User, settings: Settings) -> None:
    settings.MISSED_SCHEDULES = "SKIP"
    switched_on(alice)
    clock.run_from(MORNING + timedelta(hours=1))
    assert actions.start_due() is None
    assert results() == [(MORNING, "passed_over")]
    assert display.system_state().next_due_at == MORNING + timedelta(hours=12)
    clock.run_from(MORNING + timedelta(hours=12))
    assert actions.start_due() is not None


def test_a_clock_that_is_set_back_rings_nothing_twice(alice: User) -> None:
    row = switched_on(alice)
    clock.run_from(MORNING)
    actions.start_due()
    SystemSchedule.objects.filter(pk=row.pk).update(due_at=MORNING)
    assert actions.start_due() is None
    assert SystemRefresh.objects.count() == 1


def test_switching_it_off_forgets_what_is_due(alice: User) -> None:
    row = switched_on(alice)
    actions.save_schedule(is_on=False, rule=TWICE_A_DAY, version=row.version, by=alice)
    clock.run_from(MORNING)
    assert actions.start_due() is None


@pytest.mark.django_db(transaction=True)
def test_many_clocks_that_tick_at_once_start_one_refresh(alice: User) -> None:
    switched_on(alice)
    clock.run_from(MORNING)
    barrier, found = Barrier(4), []

    def tick() -> None:
        try:
            barrier.wait()
            found.append(actions.start_due())
        finally:
            connection.close()

    ticks = [Thread(target=tick) for _clock in range(4)]
    for each in ticks:
        each.start()
    for each in ticks:
        each.join()
    assert sorted(refresh is None for refresh in found) == [False, True, True, True]
    assert SystemRefresh.objects.count() == SystemTick.objects.count() == 1

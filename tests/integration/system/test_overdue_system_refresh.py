"""A system refresh that has not run when its schedule said is told of, and so is an export that it passed by."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from config.console import overdue
from config.console.models import RefreshStep, StepKind, SystemRefresh, SystemSchedule, SystemTick
from config.console.system_refresh import actions
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus, TickResult
from config.platform.notifications.models import Condition, Kind
from connections.models import Connection
from exports.models import Export, ExportSchedule, Run, Trigger
from tests.support import exports

pytestmark = pytest.mark.django_db
NOT_BEGUN = "The run was due more than an hour ago and has not started."


@pytest.fixture
def connection(db: None) -> Connection:
    return exports.sandbox_connection()


@pytest.fixture
def export(connection: Connection) -> Export:
    return follow(connection, "Newsletter")


def follow(connection: Connection | None, name: str, **more: Any) -> Export:
    """An export on the system schedule."""
    return Export.objects.create(name=name, connection=connection, list_id=name, email_attribute="email", **more)


def switch_on(*, due_in_hours: float = 5) -> None:
    actions.load_schedule()
    due_at = clock.now() + timedelta(hours=due_in_hours)
    SystemSchedule.objects.update(is_on=True, due_at=due_at)


def tick(result: TickResult, *, hours_ago: float, status: JobStatus = JobStatus.SUCCESSFUL) -> SystemTick:
    refresh = None
    if result == TickResult.STARTED:
        refresh = SystemRefresh.objects.create(
            trigger=SystemRefresh.Trigger.SCHEDULE, status=status, finished_at=clock.now()
        )
    due_at = clock.now() - timedelta(hours=hours_ago)
    return SystemTick.objects.create(due_at=due_at, result=result, refresh=refresh)


def step(tick: SystemTick, export: Export, status: JobStatus, **more: Any) -> RefreshStep:
    assert tick.refresh is not None
    return RefreshStep.objects.create(
        refresh=tick.refresh, kind=StepKind.EXPORT, target_id=export.pk, name=export.name, status=status, **more
    )


def lasting() -> list[tuple[str, str]]:
    overdue.check_overdue()
    found = Condition.objects.filter(closed_at=None, kind=Kind.LATE).order_by("subject_name")
    return list(found.values_list("subject_name", "sentence"))


def test_it_says_nothing_while_the_system_refresh_is_off(export: Export) -> None:
    step(tick(TickResult.STARTED, hours_ago=3), export, JobStatus.FAILED, message="No.")
    assert lasting() == []


def test_it_says_nothing_of_what_ran_when_it_should(export: Export) -> None:
    switch_on()
    step(tick(TickResult.STARTED, hours_ago=3), export, JobStatus.SUCCESSFUL)
    assert lasting() == []


def test_it_notifies_once_for_all_exports_when_no_tick_came(connection: Connection) -> None:
    for number in range(3):
        follow(connection, f"Export {number}", tell_also=[f"{number}@example.com"])
    switch_on(due_in_hours=-2)
    assert lasting() == [("System refresh", NOT_BEGUN)]
    switch_on()
    assert lasting() == []


def test_it_notifies_the_recipients_of_the_exports_too(connection: Connection, settings: Any) -> None:
    settings.MAIL_CONFIGURED = True
    follow(connection, "Newsletter", tell_also=["owner@example.com"])
    own = follow(connection, "By itself", tell_also=["somebody@example.com"])
    ExportSchedule.objects.create(export=own, is_on=False)
    switch_on(due_in_hours=-2)
    lasting()
    told = set(Condition.objects.get().notifications.values_list("recipient", flat=True))
    assert "owner@example.com" in told
    assert "somebody@example.com" not in told


def test_it_tells_when_the_last_due_moment_was_passed_over(export: Export) -> None:
    switch_on()
    tick(TickResult.PASSED_OVER, hours_ago=2)
    assert lasting() == [("System refresh", str(TickResult.PASSED_OVER.label))]
    tick(TickResult.STARTED, hours_ago=1)
    assert lasting() == []


def test_it_tells_when_a_refresh_waits_too_long(export: Export) -> None:
    switch_on()
    tick(TickResult.STARTED, hours_ago=2, status=JobStatus.QUEUED)
    assert lasting() == [("System refresh", NOT_BEGUN)]
    SystemRefresh.objects.update(status=JobStatus.PROCESSING)
    assert lasting() == []


def test_it_tells_of_an_export_that_could_not_be_started_until_it_is(export: Export) -> None:
    switch_on()
    step(tick(TickResult.STARTED, hours_ago=3), export, JobStatus.FAILED, message="Its list is not chosen.")
    assert lasting() == [("Newsletter", "Its list is not chosen.")]
    step(tick(TickResult.STARTED, hours_ago=0), export, JobStatus.SUCCESSFUL)
    assert lasting() == []


def test_it_leaves_an_export_alone_that_what_it_waits_for_kept_back(export: Export) -> None:
    switch_on()
    due = tick(TickResult.STARTED, hours_ago=3)
    cause = step(due, follow(export.connection, "Another"), JobStatus.QUEUED)  # any step will do
    step(due, export, JobStatus.SKIPPED, blocked_by=cause)
    assert lasting() == []  # it is told of as skipped


def test_it_tells_of_an_export_whose_run_still_waits(export: Export) -> None:
    switch_on()
    run = Run.objects.create(export=export, number=1, trigger=Trigger.SYSTEM, status=JobStatus.QUEUED)
    step(tick(TickResult.STARTED, hours_ago=3), export, JobStatus.QUEUED, run=run)
    assert lasting() == []
    Run.objects.update(created_at=clock.now() - timedelta(hours=2))
    assert lasting() == [("Newsletter", NOT_BEGUN)]


def test_it_leaves_an_export_alone_that_follows_another_schedule_by_now(export: Export) -> None:
    switch_on()
    step(tick(TickResult.STARTED, hours_ago=3), export, JobStatus.FAILED, message="No.")
    ExportSchedule.objects.create(export=export, is_on=False)
    assert lasting() == []


def test_it_costs_the_same_however_many_there_are(
    connection: Connection, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    switch_on()
    due = tick(TickResult.STARTED, hours_ago=3)
    for number in range(20):
        step(due, follow(connection, f"Export {number}"), JobStatus.FAILED, message="No.")
    assert len(lasting()) == 20
    with django_assert_num_queries(10):
        overdue.check_overdue()

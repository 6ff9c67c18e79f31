"""An export that has not run when its schedule said is told of, and when it runs again."""

from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus, TickResult
from config.platform.notifications.models import Condition, Kind
from exports.models import Export, ExportSchedule, ExportTick, Run, Trigger
from exports.scheduler import overdue

pytestmark = pytest.mark.django_db
RULE = {"recurrence": "daily", "zone": "UTC", "times": ["02:00"]}


def scheduled(name: str = "Newsletter", *, due_at: datetime | None = None) -> Export:
    export = Export.objects.create(name=name, list_id="a" * 32, email_attribute="email")
    due_at = due_at or clock.now() + timedelta(hours=5)
    ExportSchedule.objects.create(export=export, rule=RULE, due_at=due_at)
    return export


def tick(export: Export, result: TickResult, *, hours_ago: float, status: JobStatus = JobStatus.QUEUED) -> None:
    run = None
    if result == TickResult.STARTED:
        number = export.runs.count() + 1
        run = Run.objects.create(
            export=export, number=number, trigger=Trigger.SCHEDULE, status=status, finished_at=clock.now()
        )
    due_at = clock.now() - timedelta(hours=hours_ago)
    ExportTick.objects.create(export=export, due_at=due_at, result=result, run=run)


def lasting() -> list[str]:
    overdue.look()
    return list(Condition.objects.filter(closed_at=None, kind=Kind.LATE).values_list("sentence", flat=True))


def test_it_says_nothing_of_what_runs_when_it_should() -> None:
    export = scheduled()
    assert lasting() == []
    tick(export, TickResult.STARTED, hours_ago=3, status=JobStatus.SUCCESSFUL)
    assert lasting() == []
    scheduled("By the system").schedule.delete()
    assert lasting() == []


@pytest.mark.parametrize("result", [TickResult.PASSED_OVER, TickResult.IMPOSSIBLE])
def test_it_tells_when_nothing_came_of_a_due_moment_until_one_is_kept(result: TickResult) -> None:
    export = scheduled()
    tick(export, result, hours_ago=1)
    assert lasting() == [str(result.label)]
    tick(export, TickResult.STARTED, hours_ago=0)
    assert lasting() == []


def test_it_tells_when_a_run_waits_too_long() -> None:
    export = scheduled()
    tick(export, TickResult.STARTED, hours_ago=0.5)
    assert lasting() == []
    ExportTick.objects.update(due_at=clock.now() - timedelta(hours=2))
    assert lasting() == ["The run was due more than an hour ago and has not started."]
    Run.objects.update(status=JobStatus.PROCESSING)
    assert lasting() == []


def test_it_notifies_when_no_tick_came() -> None:
    scheduled(due_at=clock.now() - timedelta(hours=2))
    assert lasting() == ["The run was due more than an hour ago and has not started."]


def test_it_costs_the_same_however_many_there_are(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(20):
        tick(scheduled(f"Export {number}"), TickResult.IMPOSSIBLE, hours_ago=1)
    overdue.look()
    with django_assert_num_queries(3):
        overdue.look()

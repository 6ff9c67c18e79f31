"""What a tick costs with ten thousand schedules: a hundred of them due, and all of them."""

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.platform.db import insert_alike
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.schedules import ticks
from exports.models import Export, ExportSchedule, ExportTick, Run, RunEvent, Trigger
from exports.scheduler import start_due
from tests.support import exports as support_exports
from tests.support import scheduled_days

pytestmark = [pytest.mark.drill, pytest.mark.django_db(transaction=True)]

SCHEDULES = 10_000
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
RULES = scheduled_days.mixed_rules(SCHEDULES, most_often_hours=6)


@pytest.fixture
def ten_thousand() -> None:
    connected = support_exports.sandbox_connection()
    exports = Export.objects.bulk_create(
        Export(name=f"Export {number}", connection=connected, list_id="a" * 32, email_attribute="email")
        for number in range(SCHEDULES)
    )
    later = NOON + timedelta(days=30)
    ExportSchedule.objects.bulk_create(
        ExportSchedule(export=export, rule=rule, due_at=later) for export, rule in zip(exports, RULES, strict=True)
    )
    # Each has run before, so that the database knows how large these tables are, as it does once they are in use.
    ran = Run(trigger=Trigger.SCHEDULE, status=JobStatus.SUCCESSFUL, number=1, finished_at=NOON)
    runs = insert_alike(ran, export_id=[export.pk for export in exports])
    insert_alike(RunEvent(to_status=JobStatus.SUCCESSFUL), run_id=runs)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def let_be_due(count: int) -> None:
    Run.objects.update(status=JobStatus.SUCCESSFUL, finished_at=clock.now())
    ExportTick.objects.all().delete()
    chosen = ExportSchedule.objects.order_by("pk").values("pk")[:count]
    ExportSchedule.objects.filter(pk__in=chosen).update(due_at=NOON)


def test_a_tick_is_cheap_and_costs_a_fixed_number_of_queries(ten_thousand: None) -> None:
    clock.run_from(NOON + timedelta(seconds=1))
    try:
        idle = _measured(0)
        some = [_measured(100) for _time in range(15)]
        many = _measured(500)
        everything = _measured(SCHEDULES)
    finally:
        clock.run_as_usual()
    usual = statistics.median(seconds for seconds, _queries in some)
    sys.stdout.write(f"   100 of {SCHEDULES} due, median: {usual * 1000:,.0f} ms\n")
    assert {queries for _seconds, queries in some} == {many[1]}
    assert everything[1] <= many[1] * (SCHEDULES // ticks.BATCH) + idle[1]
    assert usual < 0.1
    assert Run.objects.filter(status=JobStatus.QUEUED).count() == SCHEDULES


def _measured(count: int) -> tuple[float, int]:
    """Seconds and queries of a tick at which so many of the schedules are due."""
    let_be_due(count)
    start, worked = time.perf_counter(), time.process_time()
    _tick(count)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    let_be_due(count)
    with CaptureQueriesContext(connection) as queries:  # apart, since keeping their words costs as much again
        _tick(count)
    told = f"{seconds * 1000:,.0f} ms, {worked * 1000:,.0f} ms of it at work here, {len(queries)} queries"
    sys.stdout.write(f"{count:>6} of {SCHEDULES} due: {told}\n")
    return seconds, len(queries)


def _tick(count: int) -> None:
    started = sum(iter(start_due.start_due, 0)) if count > ticks.BATCH else start_due.start_due()
    assert started == count

"""Ticks start the refreshes of due segments, once for each due moment."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus, TickResult
from config.platform.schedules import ticks
from segments import actions, refresh
from segments.models import Segment, SegmentRefresh, SegmentSchedule

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
AT_TWO: dict[str, Any] = {"recurrence": "daily", "zone": "UTC", "times": ["14:00"]}
TWO = NOON + timedelta(hours=2)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Set the clock to noon; tests move it."""
    clock.run_from(NOON)
    yield
    clock.run_as_usual()


def make(name: str = "Readers", rule: dict[str, Any] | None = AT_TWO) -> Segment:
    segment = Segment.objects.create(name=name, rules={})
    refresh.set_schedule(segment, is_on=True, rule=rule, version=0, by=None)
    return segment


def tick_at(moment: datetime) -> int:
    clock.run_from(moment)
    return refresh.start_due_refreshes()


def test_it_refreshes_what_is_due_and_nothing_before_its_time() -> None:
    segment, following = make(), make("Following", rule=None)
    assert tick_at(TWO - timedelta(seconds=1)) == 0
    assert tick_at(TWO) == 1
    job = SegmentRefresh.objects.get()
    assert (job.segment, job.status) == (segment, JobStatus.QUEUED)
    tick = segment.ticks.get()
    assert (tick.due_at, tick.refresh, tick.result) == (TWO, job, TickResult.STARTED)
    assert tick_at(TWO) == 0
    assert list(refresh.refreshed_with_system()) == [following]


def test_it_joins_a_refresh_that_is_under_way() -> None:
    segment = make()
    refresh = actions.request_refresh(segment, by=None)
    tick_at(TWO)
    assert SegmentRefresh.objects.get() == refresh
    assert (segment.ticks.get().result, segment.ticks.get().refresh) == (TickResult.JOINED, refresh)


def test_it_passes_over_what_was_missed_where_that_is_the_setting(
    settings: Settings, charlie: User, client: Client
) -> None:
    settings.MISSED_SCHEDULES = ticks.SKIP
    segment = make()
    tick_at(TWO + timedelta(days=2, hours=5))
    tick = segment.ticks.get()
    assert (tick.result, tick.missed_since, tick.refresh) == (TickResult.PASSED_OVER, TWO, None)
    assert not SegmentRefresh.objects.exists()
    client.force_login(charlie)  # the session of two days ago has expired
    assert "Skipped." in client.get(f"/segments/{segment.pk}/").content.decode()


def test_a_tick_costs_the_same_for_one_and_for_many(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(20):
        make(f"Segment {number}")
    clock.run_from(TWO)
    with django_assert_num_queries(8):
        assert refresh.start_due_refreshes() == 20
    SegmentRefresh.objects.update(status=JobStatus.SUCCESSFUL, finished_at=clock.now())
    SegmentSchedule.objects.exclude(segment__name="Segment 7").update(is_on=False, due_at=None)
    clock.run_from(TWO + timedelta(days=1))
    with django_assert_num_queries(8):
        assert refresh.start_due_refreshes() == 1


def test_a_viewer_may_not_choose(charlie: User) -> None:
    with pytest.raises(PermissionDenied):
        refresh.set_schedule(make(), is_on=False, rule=None, version=1, by=charlie)

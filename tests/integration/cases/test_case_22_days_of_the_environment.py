"""Case 22: days are those of the environment's time zone, also far from UTC."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from config.console.home import results
from config.console.views import about
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.models import Batch, Export, Run
from segments.models import Segment, SegmentRefresh
from segments.views import segment_pages
from tests.support import exports
from tests.support.profiles import create_profiles, members_of

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[("Pacific/Auckland", 11, date(2026, 3, 11)), ("America/Los_Angeles", 2, date(2026, 3, 9))])
def today(request: pytest.FixtureRequest, settings: Settings) -> Iterator[date]:
    """An hour at which the day of the zone differs from that of UTC, which is March 10."""
    settings.TIME_ZONE, hour, day = request.param
    clock.run_from(datetime(2026, 3, 10, hour, 30, tzinfo=UTC))
    yield day
    clock.run_as_usual()


def test_the_last_days_of_a_rule_end_today(today: date) -> None:
    days = {"yesterday": today - timedelta(days=1), "today": today, "tomorrow": today + timedelta(days=1)}
    create_profiles([{"id": name, "joined": day.isoformat()} for name, day in days.items()])
    rules = {"join": "and", "rules": [{"attribute": "joined", "operator": "within_last_days", "value": 1}]}
    segment = exports.segment_of_everyone("Recent", rules)
    assert members_of(segment) == ["today", "yesterday"]


def test_charts_and_api_usage_end_with_today(today: date, alice: User, alice_client: Client) -> None:
    connection = Connection.objects.create(name="Busy", destination_key="campaign_monitor")
    export = Export.objects.create(
        name="Newsletter", connection=connection, list_id="a" * 32, email_attribute="email"
    )
    now, done = clock.now(), JobStatus.SUCCESSFUL
    run = Run.objects.create(export=export, number=1, trigger="manual", status=done, finished_at=now, delivered=3)
    empty: dict[str, Any] = {"size": 0, "profile_ids": [], "emails": [], "payloads": [], "hashes": []}
    Batch.objects.create(run=run, number=1, label="1", status="done", attempt=2, sent_at=now, **empty)
    User.objects.filter(pk=alice.pk).update(time_zone="UTC")  # how she reads moments does not move any day
    alice_client.get("/")

    assert [day for day, _counts in results.recent_results().rows] == [today]
    assert clock.last_days(about.USAGE_DAYS)[-1] == today
    assert about.count_calls(clock.last_days(about.USAGE_DAYS))[0].calls[-1] == 2


def test_the_trend_of_a_segment_has_a_point_for_each_day(today: date) -> None:
    segment = Segment.objects.create(name="Everyone", rules={})
    for days, members in ((1, 5), (0, 7)):
        SegmentRefresh.objects.create(
            segment=segment,
            status=JobStatus.SUCCESSFUL,
            finished_at=clock.now() - timedelta(days=days),
            progress_total=members,
        )
    found = segment_pages.member_trend(segment, segment_pages.RANGES[0])
    assert found is not None
    assert [(point.day, point.members) for point in found.points] == [(today - timedelta(days=1), 5), (today, 7)]

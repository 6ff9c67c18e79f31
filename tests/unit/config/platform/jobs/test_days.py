"""Days are those of the environment's time zone, whatever zone a reader has chosen."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import Settings

from config.platform.jobs import clock


@pytest.fixture(params=[("Pacific/Auckland", 11, date(2026, 3, 11)), ("America/Los_Angeles", 2, date(2026, 3, 9))])
def expected(request: pytest.FixtureRequest, settings: Settings) -> Iterator[date]:
    """An hour at which the day of the zone differs from that of UTC, which is March 10."""
    settings.TIME_ZONE, hour, day = request.param
    clock.run_from(datetime(2026, 3, 10, hour, 30, tzinfo=UTC))
    yield day
    clock.run_as_usual()


def test_today_is_the_day_of_the_environment(expected: date) -> None:
    with timezone.override(ZoneInfo("UTC")):  # a reader's choice
        assert clock.today() == clock.day_of(clock.now()) == expected


def test_a_day_begins_at_midnight_of_the_environment(expected: date) -> None:
    beginning = clock.beginning_of(expected)
    assert clock.day_of(beginning) == expected
    assert 0 <= (clock.now() - beginning).total_seconds() < 24 * 3600
    assert beginning.astimezone(clock.zone()).hour == 0

"""Moments, spans and numbers in words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from config.platform.jobs import clock
from config.platform.web import formats

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def _noon() -> Iterator[None]:
    clock.run_from(NOW, factor=0)
    yield
    clock.run_as_usual()


@pytest.mark.usefixtures("_noon")
@pytest.mark.parametrize(
    ("past", "told"),
    [
        (timedelta(seconds=44), "just now"),
        (timedelta(seconds=45), "1 minute ago"),
        (timedelta(minutes=5), "5 minutes ago"),
        (timedelta(minutes=61), "1 hour ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=30), "30 days ago"),
        (timedelta(days=31), "April 3, 2026"),
        (timedelta(seconds=-10), "in a moment"),
        (timedelta(minutes=-5), "in 5 minutes"),
        (timedelta(hours=-2), "in 2 hours"),
    ],
)
def test_it_tells_how_long_ago(past: timedelta, told: str) -> None:
    assert formats.ago(NOW - past) == told


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.42, "0.4 s"),
        (9.96, "10 s"),
        (12.4, "12 s"),
        (59.9, "59 s"),
        (185, "3 min 5 s"),
        (timedelta(hours=2, minutes=10), "2 h 10 min"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
        (-1, "0 s"),
    ],
)
def test_it_tells_how_long_it_took(span: float | timedelta | None, told: str) -> None:
    assert formats.duration(span) == told


def test_it_groups_digits() -> None:
    assert formats.number(1234567) == "1,234,567"
    assert formats.number(None) == "–"
    assert formats.number(1234.5, 1) == "1,234.5"

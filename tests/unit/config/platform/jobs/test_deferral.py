"""Waits, and clocks that are set while they last."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from config.platform.jobs import backoff, clock

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    clock.run_from(NOON, factor=0)
    yield
    clock.run_as_usual()


@pytest.mark.parametrize(
    ("seconds", "is_over"), [(-1, True), (0, True), (1, False), (15 * 60, False), (15 * 60 + 1, True)]
)
def test_a_moment_further_off_than_any_wait_is_a_mistake(seconds: int, is_over: bool) -> None:
    assert backoff.wait_is_over(NOON + timedelta(seconds=seconds)) is is_over


def test_no_moment_is_no_wait() -> None:
    assert backoff.wait_is_over(None)


def test_no_wait_is_longer_than_that() -> None:
    assert backoff.wait_until(1) == NOON + timedelta(seconds=1)
    assert backoff.wait_until(86_400) == NOON + backoff.LONGEST_WAIT
    assert not backoff.wait_is_over(backoff.wait_until(86_400))

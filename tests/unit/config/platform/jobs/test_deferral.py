"""Waits, and clocks that are set while they last."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from config.platform.jobs import clock, deferral

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
    assert deferral.is_over(NOON + timedelta(seconds=seconds)) is is_over


def test_no_moment_is_no_wait() -> None:
    assert deferral.is_over(None)


def test_no_wait_is_longer_than_that() -> None:
    assert deferral.until(1) == NOON + timedelta(seconds=1)
    assert deferral.until(86_400) == NOON + deferral.LONGEST
    assert not deferral.is_over(deferral.until(86_400))

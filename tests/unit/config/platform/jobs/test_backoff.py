"""How long to wait before trying again."""

from hypothesis import given
from hypothesis import strategies as st

from config.platform.jobs.backoff import LONGEST_SECONDS, seconds_before_attempt


def test_the_wait_doubles_with_each_attempt() -> None:
    assert [seconds_before_attempt(attempt, jitter=1.0) for attempt in (1, 2, 3, 4)] == [1, 2, 4, 8]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_it_never_waits_longer_than_a_minute_unasked(attempt: int, jitter: float) -> None:
    assert 0 < seconds_before_attempt(attempt, jitter=jitter) <= LONGEST_SECONDS


@given(st.integers(1, 50), st.floats(0, 3600))
def test_it_waits_at_least_as_long_as_asked(attempt: int, asked: float) -> None:
    assert seconds_before_attempt(attempt, asked=asked) >= asked

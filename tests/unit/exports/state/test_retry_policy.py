"""Which failed runs are tried again, and when: one row for each rule; and the formula of the waits."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from exports.models import Run
from exports.state import retry_policy
from exports.state.status import Reason, StopRun

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _four_retries(settings: Settings) -> None:
    settings.RUN_RETRIES, settings.RUN_RETRY_SECONDS = 4, 300


# rule, retries before, how the run ended, the status that it gets, the minutes until it is tried again
RULES = [
    ("a destination that is away is tried again", 0, Reason.DESTINATION_UNAVAILABLE, JobStatus.FAILURE, 5),
    ("an unexpected error is tried again", 0, Reason.UNEXPECTED_ERROR, JobStatus.FAILURE, 5),
    ("each wait is three times as long", 1, Reason.DESTINATION_UNAVAILABLE, JobStatus.FAILURE, 15),
    ("the third retry waits 45 minutes", 2, Reason.DESTINATION_UNAVAILABLE, JobStatus.FAILURE, 45),
    ("the last retry waits 135 minutes", 3, Reason.DESTINATION_UNAVAILABLE, JobStatus.FAILURE, 135),
    ("after the last retry the failure is permanent", 4, Reason.DESTINATION_UNAVAILABLE, JobStatus.FAILED, None),
]
PERMANENT = sorted({*Reason} - {Reason.DESTINATION_UNAVAILABLE, Reason.UNEXPECTED_ERROR})


@pytest.mark.parametrize(("rule", "retries", "reason", "status", "minutes"), RULES, ids=[row[0] for row in RULES])
def test_a_run_that_failed_for_a_temporary_reason_is_tried_again(
    rule: str, retries: int, reason: Reason, status: JobStatus, minutes: int | None
) -> None:
    with time_machine.travel(NOW, tick=False):
        decided = retry_policy.decide_retry(Run(retries=retries), StopRun(JobStatus.FAILED, reason))
    assert decided == (status, NOW + timedelta(minutes=minutes) if minutes else None), rule


@pytest.mark.parametrize("reason", PERMANENT)
def test_every_other_reason_is_permanent_at_once(reason: Reason) -> None:
    assert retry_policy.decide_retry(Run(retries=0), StopRun(JobStatus.FAILED, reason)) == (JobStatus.FAILED, None)


@pytest.mark.parametrize(
    "status", [JobStatus.SKIPPED, JobStatus.CANCELED, JobStatus.WARNINGS, JobStatus.SUCCESSFUL]
)
def test_only_a_failed_run_is_tried_again(status: JobStatus) -> None:
    ended = StopRun(status, Reason.DESTINATION_UNAVAILABLE)
    assert retry_policy.decide_retry(Run(retries=0), ended) == (status, None)


def test_no_run_is_tried_again_where_retries_are_switched_off(settings: Settings) -> None:
    settings.RUN_RETRIES = 0
    ended = StopRun(JobStatus.FAILED, Reason.UNEXPECTED_ERROR)
    assert retry_policy.decide_retry(Run(retries=0), ended) == (JobStatus.FAILED, None)


def test_the_wait_doubles_with_each_attempt_of_a_batch() -> None:
    waits = [retry_policy.BATCH.seconds_after(attempt, jitter=1.0) for attempt in (1, 2, 3, 4)]
    assert waits == [1, 2, 4, 8]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_it_never_waits_longer_than_a_minute_unasked(attempt: int, jitter: float) -> None:
    assert 0 < retry_policy.BATCH.seconds_after(attempt, jitter=jitter) <= 60


@given(st.integers(1, 50), st.floats(0, 3600))
def test_it_waits_at_least_as_long_as_asked(attempt: int, asked: float) -> None:
    assert retry_policy.BATCH.seconds_after(attempt, asked=asked) >= asked


@pytest.mark.parametrize(("attempt", "exhausted"), [(9, False), (10, True), (11, True)])
def test_a_batch_is_tried_ten_times(attempt: int, exhausted: bool) -> None:
    assert retry_policy.BATCH.is_exhausted(attempt) is exhausted

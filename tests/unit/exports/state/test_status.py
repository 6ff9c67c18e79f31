"""The transition table is complete, and the one door keeps to it."""

import pytest

from config.platform.jobs.leases import LeaseLost
from config.platform.jobs.models import OPEN, JobStatus
from exports.models import Export, Run, Trigger
from exports.reporting.messages import MESSAGES
from exports.state.status import TRANSITIONS, NotAllowed, Reason, change_status, check_transition


def test_every_status_has_transitions() -> None:
    assert set(TRANSITIONS) == set(JobStatus)


def test_every_reason_has_a_message() -> None:
    assert set(MESSAGES) == set(Reason)


@pytest.mark.parametrize("status", OPEN)
def test_it_lets_every_open_status_end(status: JobStatus) -> None:
    assert TRANSITIONS[status] - set(OPEN)


@pytest.mark.parametrize("before", list(JobStatus))
@pytest.mark.parametrize("after", list(JobStatus))
def test_it_allows_what_the_table_says_and_nothing_else(before: JobStatus, after: JobStatus) -> None:
    if after in TRANSITIONS[before]:
        check_transition(before, after)
    else:
        with pytest.raises(NotAllowed):
            check_transition(before, after)


@pytest.fixture
def run() -> Run:
    export = Export.objects.create(name="Newsletter", list_id="a" * 32, email_attribute="email")
    return Run.objects.create(export=export, number=1, trigger=Trigger.MANUAL)


@pytest.mark.django_db
def test_it_writes_status_time_and_event_together(run: Run) -> None:
    change_status(run, JobStatus.PROCESSING)
    change_status(run, JobStatus.FAILED, Reason.NO_SEGMENTS, message="none")
    run.refresh_from_db()
    assert (run.status, run.reason, run.message) == ("failed", "no_segments", "none")
    assert run.started_at is not None
    assert run.finished_at is not None
    assert [event.to_status for event in run.events.all()] == ["processing", "failed"]


@pytest.mark.django_db
def test_it_refuses_a_worker_that_wakes_too_late(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(attempt=run.attempt + 1)
    with pytest.raises(LeaseLost):
        change_status(run, JobStatus.PROCESSING)
    assert not run.events.exists()


@pytest.mark.django_db
def test_a_run_that_has_ended_stays_ended(run: Run) -> None:
    change_status(run, JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
    with pytest.raises(NotAllowed):
        change_status(run, JobStatus.PROCESSING)

"""What may pass is tried again automatically, less and less often, and then given up."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from pytest_django import Settings

from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.actions import manage, runs
from exports.actions import retries as actions_retry
from exports.models import Export, Run, Trigger
from exports.models.snapshot import RunOptions
from exports.run import pipeline
from exports.state import retry_policy
from exports.state.retry_policy import RetryPolicy
from exports.state.status import Reason
from tests.integration.exports.conftest import run_to_its_end
from tests.support.members import states
from tests.support.sandbox import RunningSandbox


def away(account: RunningSandbox) -> None:
    """Nothing is answered as it should be from here on."""
    account.faults({"rules": [{"path": "/import", "kind": "error", "status": 503}]})


@pytest.fixture
def failed(newsletter: Export, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that the service did not answer."""
    monkeypatch.setattr(retry_policy, "BATCH", RetryPolicy(attempts=1, first_seconds=0.02))
    away(account)
    return run_to_its_end(newsletter)


def carried_on(run: Run) -> Run:
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    return run


def time_has_come(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(resume_at=clock.now() - timedelta(seconds=1))


def test_it_says_when_it_is_tried_again(failed: Run, charlie_client: Client) -> None:
    assert (failed.status, failed.reason) == (JobStatus.FAILURE, Reason.DESTINATION_UNAVAILABLE)
    assert failed.next_try_at is not None
    assert timedelta(minutes=4) < failed.next_try_at - clock.now() <= timedelta(minutes=5)
    page = charlie_client.get(f"/data/runs/{failed.pk}/").content.decode()
    assert "in 5 minutes</time> (retry 1 of 4)." in page
    assert "No action is needed" in page
    assert "in 5 minutes</time>" in charlie_client.get("/data/exports/").content.decode()


def test_it_waits_for_its_time(failed: Run) -> None:
    actions_retry.start_due()
    assert Run.objects.get() == failed


def test_it_goes_on_in_a_run_of_its_own(
    failed: Run, account: RunningSandbox, charlie_client: Client, newsletter: Export
) -> None:
    account.faults({"rules": []})
    time_has_come(failed)
    actions_retry.start_due()
    retry = newsletter.runs.get(retry_of=failed)
    assert (retry.trigger, retry.retries, retry.requested_by) == (Trigger.RETRY, 1, None)
    failed.refresh_from_db()
    assert (failed.status, failed.next_try_at) == (JobStatus.FAILURE, None)
    assert "Retried as run 2" in charlie_client.get(f"/data/runs/{failed.pk}/").content.decode()
    assert "after run 1" in charlie_client.get(f"/data/runs/{retry.pk}/").content.decode()


def test_a_contact_who_has_left_since_is_not_subscribed_again(
    newsletter: Export, shared: Connection, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.limits = replace(shared.limited, may_resubscribe=True).keep()
    shared.save()
    account.set_state(["ann@example.com"], "Unsubscribed")
    run_to_its_end(newsletter)
    account.set_state(["ben@example.com"], "Unsubscribed")
    account.set_state(["cid@example.com"], "Deleted")
    monkeypatch.setattr(retry_policy, "BATCH", RetryPolicy(attempts=1, first_seconds=0.02))
    account.faults({"rules": [{"path": "/import", "kind": "error", "status": 503, "skip": 1}]})
    # Ben is found to have unsubscribed by the very run that is to subscribe Ann again; then the service is away.
    failed = carried_on(runs.start_run(newsletter, by=None, options=RunOptions(everyone=True, resubscribe=True)))
    assert (failed.status, failed.left) == (JobStatus.FAILURE, 2)
    account.clear_faults()
    time_has_come(failed)
    actions_retry.start_due()
    retry = carried_on(newsletter.runs.get(retry_of=failed))
    assert retry.delivered == 1
    assert {email: state for email, state in states(account).items() if state == "Active"} == {
        "ann@example.com": "Active"
    }


def test_a_retry_keeps_to_limits_that_were_drawn_since(newsletter: Export, failed: Run) -> None:
    Run.objects.filter(pk=failed.pk).update(options={"resubscribe": True})  # the connection let people, then
    time_has_come(failed)
    actions_retry.start_due()
    retry = carried_on(newsletter.runs.get(retry_of=failed))
    assert (retry.status, retry.reason) == (JobStatus.FAILED, Reason.LIMITS)
    assert "do not allow subscribing contacts again" in retry.message


def test_it_waits_longer_each_time_and_then_gives_up(
    newsletter: Export, failed: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RUN_RETRIES = 2
    waits = []
    run = failed
    while run.next_try_at:
        waits.append(round((run.next_try_at - clock.now()).total_seconds() / 60))
        time_has_come(run)
        actions_retry.start_due()
        run = _carry_on(newsletter.runs.get(retry_of=run))
    assert waits == [5, 15]
    assert (run.status, run.retries) == (JobStatus.FAILED, 2)


def _carry_on(run: Run) -> Run:
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    return run


def test_it_starts_exactly_one_retry_however_many_look(transactional_db: None, failed: Run) -> None:
    time_has_come(failed)

    def look(_: int) -> None:
        try:
            actions_retry.start_due()
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(look, range(12)))
    assert Run.objects.count() == 2


def test_a_run_by_hand_takes_the_place_of_the_retry(failed: Run, newsletter: Export) -> None:
    by_hand = runs.start_run(newsletter, by=None)
    failed.refresh_from_db()
    assert (failed.status, failed.next_try_at) == (JobStatus.FAILURE, None)
    assert by_hand.retries == 0
    actions_retry.start_due()
    assert Run.objects.count() == 2


def test_it_offers_to_try_now_and_not_to_try_again(failed: Run, bob_client: Client) -> None:
    page = bob_client.get(f"/data/runs/{failed.pk}/").content.decode()
    assert "Retry now" in page
    assert "Stop retrying run 1" in bob_client.get(f"/data/runs/{failed.pk}/cancel/").content.decode()
    bob_client.post(f"/data/runs/{failed.pk}/cancel/")
    finished_at = failed.finished_at
    failed.refresh_from_db()
    assert (failed.status, failed.next_try_at, failed.finished_at) == (JobStatus.CANCELED, None, finished_at)
    assert AuditEntry.objects.filter(action="canceled", actor_name="Bob Brown").exists()
    assert bob_client.post(f"/data/runs/{failed.pk}/cancel/").status_code == 409


def test_it_is_given_up_when_it_can_no_longer_run(failed: Run, newsletter: Export) -> None:
    manage.detach(newsletter, by=None)
    time_has_come(failed)
    actions_retry.start_due()
    failed.refresh_from_db()
    assert failed.status == JobStatus.FAILED
    assert "It cannot be retried: This export has no connection." in failed.message
    assert Run.objects.count() == 1


def test_what_needs_a_person_is_permanent_at_once(newsletter: Export) -> None:
    Connection.objects.update(reconnect_reason="The key was revoked.")
    run = Run.objects.create(export=newsletter, number=1, trigger=Trigger.MANUAL)
    _carry_on(run)
    assert (run.status, run.next_try_at) == (JobStatus.FAILED, None)

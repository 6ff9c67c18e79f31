"""Contacts that were sent without an answer when their run ended, and what the next run learns of them."""

from typing import Any

import pytest

from config.platform.accounts.models import User
from config.platform.jobs import leases
from config.platform.jobs.leases import claim
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, Origin, Refused, Run, SyncedContact
from exports.results import record
from exports.run import pipeline
from exports.state import retry_policy
from exports.state.plan_action import UNKNOWN_DATA
from exports.state.retry_policy import RetryPolicy
from tests.integration.exports.conftest import run_to_its_end
from tests.support.members import adds_up
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def lose_the_answer(run: Run, email: str) -> None:
    """As if ``run`` had sent them and never heard."""
    known = SyncedContact.objects.filter(last_run_id=run.pk).first()
    assert known is not None
    Refused.objects.all().delete()
    SyncedContact.objects.create(
        list_state=known.list_state,
        sent_by=run.export_id,
        email=email,
        data_hash=UNKNOWN_DATA,
        added_run_id=run.pk,
        last_run_id=run.pk,
    )


def test_a_suppressed_contact_was_not_added(newsletter: Export, account: RunningSandbox) -> None:
    account.set_state(["ben@example.com"], "Unsubscribed")
    lose_the_answer(run_to_its_end(newsletter), "ben@example.com")
    run = run_to_its_end(newsletter)
    assert (run.planned, run.left) == (1, 1)
    assert not SyncedContact.objects.filter(email="ben@example.com").exists()
    assert run_to_its_end(newsletter).planned == 0


# What says nothing of the call before it.
AFTERWARDS = {
    "throttled": {"kind": "throttle", "retry_after": 0},
    "of no use any more": {"kind": "refuse_credential"},
    "Rejected batches are split": {"kind": "refuse_batch", "emails": ["ann@example.com", "cid@example.com"]},
}


@pytest.fixture
def impatient(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that give up with the second trouble."""
    monkeypatch.setattr(retry_policy, "BATCH", RetryPolicy(attempts=2, first_seconds=0.02))
    monkeypatch.setattr(retry_policy, "MOST_REFUSED_BATCHES", 1)


@pytest.mark.parametrize("afterwards", AFTERWARDS.values(), ids=AFTERWARDS.keys())
def test_contacts_that_may_have_arrived_count_as_unanswered_whatever_came_after(
    newsletter: Export, account: RunningSandbox, impatient: None, afterwards: dict[str, Any]
) -> None:
    lost = {"kind": "drop", "applied": True, "path": "/import", "times": 1}
    account.faults({"rules": [lost, {"path": "/import", **afterwards}]})
    run = run_to_its_end(newsletter)
    assert (run.delivered, run.not_sent, adds_up(run)) == (0, 3, True)
    assert list(SyncedContact.objects.values_list("data_hash", flat=True)) == [UNKNOWN_DATA] * 3
    account.clear_faults()
    Connection.objects.update(reconnect_reason="")
    again = run_to_its_end(newsletter)
    assert (again.to_update, again.delivered) == (3, 3)
    assert set(SyncedContact.objects.values_list("origin", flat=True)) == {Origin.UNKNOWN}


@pytest.mark.parametrize("afterwards", AFTERWARDS.values(), ids=AFTERWARDS.keys())
def test_a_contact_that_was_only_refused_has_not_arrived(
    newsletter: Export, account: RunningSandbox, impatient: None, afterwards: dict[str, Any]
) -> None:
    account.faults({"rules": [{"path": "/import", **afterwards}]})
    run = run_to_its_end(newsletter)
    assert (run.delivered, run.not_sent) == (0, 3)
    assert not SyncedContact.objects.exists()


def test_contacts_that_a_dead_worker_sent_again_after_a_refusal_count_as_unanswered(
    newsletter: Export, account: RunningSandbox, alice: User
) -> None:
    account.faults({"rules": [{"path": "/import", "kind": "throttle", "retry_after": 60}]})
    run = runs.start_run(newsletter, by=alice)
    pipeline.run_slice(run.pk)
    assert run.batches.get().code == "429"
    Run.objects.update(resume_at=None)
    dead = claim(run)
    assert dead is not None
    record.mark_sending(dead, [run.batches.get().pk])
    record.requeue_interrupted(dead)
    leases.release(dead)
    runs.cancel_run(run, by=alice)
    pipeline.run_slice(run.pk)
    assert list(SyncedContact.objects.values_list("data_hash", flat=True)) == [UNKNOWN_DATA] * 3

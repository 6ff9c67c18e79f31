"""Contacts that an export may have removed: their batch was sent, and its answer never came."""

import pytest

from config.platform.jobs import leases
from config.platform.jobs.leases import HeldLease, claim
from exports.actions import runs
from exports.models import Export, Origin, Removal, RemovedContact, Run, SyncedContact
from exports.results import record
from exports.run import check, plan
from exports.state.plan_action import UNKNOWN_DATA
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_late_calls import take_over
from tests.support.members import CROWD, join, leave, states
from tests.support.removals import export_of, marks
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]

SUBSCRIBER = CROWD[0]


def perhaps_remove(export: Export) -> None:
    """Run the export; its worker dies with all batches sent and none answered, and the run is canceled."""
    silent = start_silently(export)
    leases.release(silent)
    runs.cancel_run(silent, by=None)
    take_over(silent)
    assert RemovedContact.objects.filter(email=SUBSCRIBER).exists()


def start_silently(export: Export) -> Run:
    """Start a run whose worker dies with all batches sent and none answered."""
    silent = claim(runs.start_run(export, by=None))
    assert silent is not None
    assert check.check(silent)
    plan.plan(silent, HeldLease(silent))
    record.mark_sending(silent, list(silent.batches.values_list("pk", flat=True)))
    return silent


def origin() -> Origin:
    return Origin(SyncedContact.objects.get(email=SUBSCRIBER).origin)


@pytest.mark.parametrize("removal", [Removal.DELETE, Removal.MARK, Removal.UNSUBSCRIBE])
def test_a_subscriber_who_signed_up_is_not_removed_after_coming_back(
    account: RunningSandbox, crowd: Segment, removal: Removal, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: account.door("PUT", "clock", json={"ahead_seconds": 0}))
    export = export_of(account, crowd, removal)
    account.import_people([{"EmailAddress": SUBSCRIBER}], export.list_id)  # signs up without us
    account.door("PUT", "clock", json={"ahead_seconds": 600})
    run_to_its_end(export)
    assert origin() == Origin.UNKNOWN
    leave(crowd, SUBSCRIBER)
    perhaps_remove(export)
    join(crowd, SUBSCRIBER)
    assert run_to_its_end(export).delivered >= 1
    assert origin() == Origin.UNKNOWN
    leave(crowd, SUBSCRIBER)
    assert run_to_its_end(export).removed == 0
    assert states(account, export.list_id)[SUBSCRIBER] == "Active"
    assert not marks(account, export.list_id)


def test_a_contact_that_was_removed_is_added_by_the_export_again(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run_to_its_end(export)
    leave(crowd, SUBSCRIBER)
    perhaps_remove(export)
    account.set_state([SUBSCRIBER], "Deleted", export.list_id)  # the request had arrived
    join(crowd, SUBSCRIBER)
    run_to_its_end(export)
    assert origin() == Origin.ADDED
    leave(crowd, SUBSCRIBER)
    assert run_to_its_end(export).removed == 1


def test_a_removed_contact_that_signed_up_since_counts_as_found(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run_to_its_end(export)
    leave(crowd, SUBSCRIBER)
    assert run_to_its_end(export).removed == 1
    account.set_state([SUBSCRIBER], "Active", export.list_id)
    join(crowd, SUBSCRIBER)
    assert run_to_its_end(export).delivered == 1
    assert origin() == Origin.PRE_EXISTING
    leave(crowd, SUBSCRIBER)
    assert run_to_its_end(export).removed == 0


def test_a_lost_answer_does_not_hide_which_run_added_a_contact_again(
    account: RunningSandbox, crowd: Segment, request: pytest.FixtureRequest
) -> None:
    """The removal is remembered because a call of it may land late, so the contact is sent as if it came back."""
    request.addfinalizer(lambda: account.door("PUT", "clock", json={"ahead_seconds": 0}))
    export = export_of(account, crowd, Removal.DELETE)
    run_to_its_end(export)
    leave(crowd, SUBSCRIBER)
    removal = run_to_its_end(export)
    join(crowd, SUBSCRIBER)
    added = run_to_its_end(export)
    contact = SyncedContact.objects.filter(email=SUBSCRIBER)
    contact.update(data_hash=UNKNOWN_DATA)
    remember = {"operation": "delete", "run_id": removal.pk, "exports": [export.pk]}
    RemovedContact.objects.create(list_state=contact.get().list_state, email=SUBSCRIBER, **remember)
    account.door("PUT", "clock", json={"ahead_seconds": 3600})
    silent = start_silently(export)
    leases.release(silent)
    take_over(silent)
    assert not RemovedContact.objects.exists()
    assert contact.get().added_run_id == added.pk
    leave(crowd, SUBSCRIBER)
    assert run_to_its_end(export).removed == 1

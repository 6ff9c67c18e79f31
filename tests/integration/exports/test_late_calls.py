"""Calls of a worker that lost its lease: they may land after later ones, and the next run settles them."""

import pytest
from django.test import Client
from django.urls import reverse

from config.platform.jobs import leases
from config.platform.jobs.leases import HeldLease, claim
from exports.actions import runs
from exports.models import Batch, Export, Removal, RemovedContact, Run, SyncedContact
from exports.results import record, unknown_results
from exports.run import check, pipeline, plan
from exports.state.plan_action import UNKNOWN_DATA
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support.members import CROWD, join, leave, states
from tests.support.removals import export_of
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


def worker_loses_its_lease(export: Export) -> Run:
    """Start a run whose worker plans it, sends its batches and goes silent."""
    run = runs.start_run(export, by=None)
    silent = claim(run)
    assert silent is not None
    assert check.check(silent)
    plan.plan(silent, HeldLease(silent))
    record.mark_sending(silent, list(silent.batches.values_list("pk", flat=True)))
    leases.release(silent)
    return silent


def take_over(run: Run) -> Run:
    """Let another worker end the run."""
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    return run


def known_hashes() -> set[object]:
    return set(SyncedContact.objects.values_list("data_hash", flat=True))


def test_the_next_run_sends_again_who_was_in_a_late_call(newsletter: Export) -> None:
    ended = take_over(worker_loses_its_lease(newsletter))
    assert (ended.status, ended.delivered) == ("successful", 3)
    assert known_hashes() == {UNKNOWN_DATA}
    assert unknown_results.count_late(ended) == 3
    again = run_to_its_end(newsletter)
    assert (again.planned, again.delivered) == (3, 3)
    assert known_hashes() == {UNKNOWN_DATA}  # a late call may still land after this one
    Batch.objects.update(late_until=None)
    assert run_to_its_end(newsletter).delivered == 3
    assert run_to_its_end(newsletter).planned == 0


def test_the_page_of_a_run_counts_the_contacts_of_late_calls(newsletter: Export, alice_client: Client) -> None:
    ended = take_over(worker_loses_its_lease(newsletter))
    page = alice_client.get(reverse("exports:run", args=[ended.pk])).content.decode()
    assert "3 contacts have an unknown result because a worker stopped responding." in page
    Batch.objects.update(late_until=None)
    page = alice_client.get(reverse("exports:run", args=[ended.pk])).content.decode()
    assert "a worker stopped responding" not in page


@pytest.mark.parametrize("removal", [Removal.DELETE, Removal.MARK])
def test_a_contact_is_added_again_that_a_late_removal_took_off(
    account: RunningSandbox, crowd: Segment, removal: Removal
) -> None:
    export = export_of(account, crowd, removal)
    run_to_its_end(export)
    leave(crowd, CROWD[0])
    assert take_over(worker_loses_its_lease(export)).removed == 1
    join(crowd, CROWD[0])
    assert run_to_its_end(export).delivered == 1
    assert SyncedContact.objects.get(email=CROWD[0]).data_hash == UNKNOWN_DATA
    assert RemovedContact.objects.filter(email=CROWD[0]).exists()
    if removal == Removal.DELETE:
        account.set_state([CROWD[0]], "Deleted", export.list_id)  # the late call lands
    Batch.objects.update(late_until=None)
    assert run_to_its_end(export).delivered == 1
    assert states(account, export.list_id)[CROWD[0]] == "Active"
    assert run_to_its_end(export).planned == 0


def test_a_contact_that_was_added_again_twice_is_removed_when_it_leaves(
    account: RunningSandbox, crowd: Segment, request: pytest.FixtureRequest
) -> None:
    """The list dates it to the first of both calls, and it did not sign up without us."""
    export = export_of(account, crowd, Removal.DELETE)
    run_to_its_end(export)
    leave(crowd, CROWD[0])
    take_over(worker_loses_its_lease(export))
    join(crowd, CROWD[0])
    request.addfinalizer(lambda: account.door("PUT", "clock", json={"ahead_seconds": 0}))
    account.door("PUT", "clock", json={"ahead_seconds": 600})
    run_to_its_end(export)
    account.door("PUT", "clock", json={"ahead_seconds": 1200})
    Batch.objects.update(late_until=None)
    assert run_to_its_end(export).delivered == 1
    leave(crowd, CROWD[0])
    assert run_to_its_end(export).removed == 1


def test_a_worker_that_wakes_marks_its_contacts_unknown(newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    assert UNKNOWN_DATA not in known_hashes()
    for _twice in range(2):
        unknown_results.record_landed(run, list(run.batches.values_list("pk", flat=True)))
        assert known_hashes() == {UNKNOWN_DATA}
    assert run_to_its_end(newsletter).delivered == 3


def test_a_contact_that_a_later_run_removed_is_known_again_when_a_late_send_landed(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run = run_to_its_end(export)
    leave(crowd, CROWD[0])
    assert run_to_its_end(export).removed == 1
    account.set_state([CROWD[0]], "Active", export.list_id)  # a late call of the first run lands
    unknown_results.record_landed(run, list(run.batches.values_list("pk", flat=True)))
    assert run_to_its_end(export).removed == 1
    assert states(account, export.list_id)[CROWD[0]] == "Deleted"


def test_an_erased_contact_is_not_written_again(newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    SyncedContact.objects.all().delete()
    unknown_results.record_landed(run, list(run.batches.values_list("pk", flat=True)))
    assert not SyncedContact.objects.exists()

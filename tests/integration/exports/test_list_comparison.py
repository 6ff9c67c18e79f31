"""Comparing a list with its list state: what no look has found is recorded, and what differs is counted."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.events import webhooks
from config.platform.events.models import Event, EventType
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import Condition, Kind
from exports.feedback import comparison, differences, watches
from exports.models import (
    DriftKind,
    Export,
    ListComparison,
    ListDrift,
    ListedContact,
    ListState,
    RemovedContact,
    Run,
    StatusSource,
    SubscriberStatus,
    SyncedContact,
)
from segments.models import ErasedHash, Erasure
from segments.privacy.subjects import hash_of_email
from tests.integration.exports.conftest import run_to_its_end
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BEN, CID = "ann@example.com", "ben@example.com", "cid@example.com"


def compare() -> ListComparison:
    """Compare the list as the workers do."""
    watches.make_missing()
    comparison.request(ListState.objects.get())
    for comparison_id in comparison.due():
        for _slice in range(500):
            if not comparison.compare(comparison_id):
                break
    return ListComparison.objects.latest("pk")


def differing() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in ListDrift.objects.order_by("email"):
        found.setdefault(row.kind, []).append(row.email)
    return found


def statuses() -> dict[str, tuple[str, str]]:
    return {row.email: (row.code, row.source) for row in SubscriberStatus.objects.all()}


@pytest.fixture
def sent(newsletter: Export) -> Run:
    """The export has sent Ann, Ben and Cid."""
    return run_to_its_end(newsletter)


def test_a_list_as_exports_left_it_does_not_differ(sent: Run) -> None:
    done = compare()
    assert (done.status, done.subscribers, done.active, done.contacts) == (JobStatus.SUCCESSFUL, 3, 3, 3)
    assert (differing(), statuses()) == ({}, {})


def test_who_left_and_was_not_noticed_is_suppressed_from_then_on(
    sent: Run, account: RunningSandbox, newsletter: Export
) -> None:
    account.set_state([BEN], "Unsubscribed")
    account.set_state([CID], "Bounced")
    done = compare()
    assert (done.other_state, differing()) == (2, {DriftKind.STATE: [BEN, CID]})
    assert statuses() == {
        BEN: ("unsubscribed", StatusSource.COMPARISON),
        CID: ("bounced", StatusSource.COMPARISON),
    }
    assert run_to_its_end(newsletter).still_suppressed == 2
    assert compare().other_state == 0
    assert differing() == {}


def test_who_is_active_again_or_is_in_no_state_is_suppressed_no_longer(sent: Run, account: RunningSandbox) -> None:
    account.set_state([BEN, CID], "Bounced")
    compare()
    SubscriberStatus.objects.update(known_since=clock.now() - timedelta(days=1))
    account.set_state([BEN], "Active")
    body = {"EmailAddress": "cidney@example.com", "ConsentToTrack": "Unchanged"}
    account.api("PUT", f"/subscribers/{account.list_id}.json", params={"email": CID}, json=body)
    done = compare()
    assert statuses() == {"cidney@example.com": ("bounced", StatusSource.COMPARISON)}
    assert done.other_state == 3
    assert done.gone == 1


def test_subscribers_from_elsewhere_and_contacts_that_are_gone_are_counted(
    sent: Run, account: RunningSandbox
) -> None:
    account.import_people([{"EmailAddress": "own@example.com"}])
    body = {"EmailAddress": "benjamin@example.com", "ConsentToTrack": "Unchanged"}
    account.api("PUT", f"/subscribers/{account.list_id}.json", params={"email": BEN}, json=body)
    done = compare()
    assert (done.gone, done.not_ours) == (1, 2)
    assert differing() == {DriftKind.GONE: [BEN], DriftKind.NOT_OURS: ["benjamin@example.com", "own@example.com"]}


def test_values_that_were_changed_on_the_list_are_found_by_the_next_comparison(
    sent: Run, account: RunningSandbox, newsletter: Export
) -> None:
    compare()
    account.import_people([{"EmailAddress": BEN, "Name": "Edited"}])
    account.import_people([{"EmailAddress": CID, "CustomFields": [{"Key": "[City]", "Value": "not mapped"}]}])
    done = compare()
    assert (done.other_data, differing()) == (1, {DriftKind.DATA: [BEN]})


def test_changed_values_differ_until_a_run_has_sent_the_contact(
    sent: Run, account: RunningSandbox, newsletter: Export
) -> None:
    compare()
    account.import_people([{"EmailAddress": BEN, "Name": "Edited"}])
    assert [compare().other_data for _night in range(3)] == [1, 1, 1]
    differences.let_be_sent_again(ListComparison.objects.latest("pk"))
    assert run_to_its_end(newsletter).delivered == 1
    assert [compare().other_data for _night in range(2)] == [0, 0]


def test_values_that_a_run_has_changed_do_not_differ(sent: Run, account: RunningSandbox, alice: User) -> None:
    compare()
    account.import_people([{"EmailAddress": BEN, "Name": "Edited"}])
    SyncedContact.objects.update(last_run_id=Run.objects.get().pk)
    Run.objects.update(finished_at=clock.now())
    assert compare().other_data == 0


def test_removed_contacts_are_no_difference(sent: Run, account: RunningSandbox) -> None:
    state = ListState.objects.get()
    for email, operation in ((BEN, "delete"), (CID, "mark")):
        SyncedContact.objects.filter(email=email).delete()
        RemovedContact.objects.create(list_state=state, email=email, operation=operation, run_id=sent.pk)
    account.set_state([BEN], "Deleted")
    compare()
    assert (differing(), statuses()) == ({}, {})


def test_contacts_of_a_run_that_worked_meanwhile_are_left_out(sent: Run, account: RunningSandbox) -> None:
    body = {"EmailAddress": "benjamin@example.com", "ConsentToTrack": "Unchanged"}
    account.api("PUT", f"/subscribers/{account.list_id}.json", params={"email": BEN}, json=body)
    Run.objects.update(finished_at=clock.now() + timedelta(minutes=1))
    assert compare().gone == 0


def test_erased_people_are_not_learned(sent: Run, account: RunningSandbox, alice: User) -> None:
    erasure = Erasure.objects.create(short_id="1", erased_by=alice, erased_by_name="Alice")
    ErasedHash.objects.create(hash=hash_of_email("own@example.com"), erasure=erasure)
    account.import_people([{"EmailAddress": "own@example.com"}, {"EmailAddress": "other@example.com"}])
    account.set_state(["other@example.com"], "Active")
    compare()
    assert differing() == {DriftKind.NOT_OURS: ["other@example.com"]}
    account.set_state(["own@example.com"], "Bounced")
    compare()
    assert statuses() == {}
    assert set(ListedContact.objects.values_list("email", flat=True)) == {ANN, BEN, CID}


def test_contacts_that_moved_between_pages_are_looked_up(
    sent: Run, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = comparison._store

    def lose_ben(job: Any, listed: Any, pages: Any, found: Any) -> None:
        store(job, listed, pages, found)
        ListedContact.objects.filter(email=BEN).delete()

    monkeypatch.setattr(comparison, "_store", lose_ben)
    assert compare().gone == 0


# -- pages, interruptions and trouble ----------------------------------------------------------------------------


def test_it_continues_where_a_killed_worker_left_it(
    sent: Run, account: RunningSandbox, settings: Settings
) -> None:
    account.set_state([f"p{number:05}@example.com" for number in range(9_500)], "Bounced")
    comparison.request(ListState.objects.get())
    job = ListComparison.objects.get()
    settings.SLICE_SECONDS = 0
    for _slice in range(4):
        assert comparison.compare(job.pk)
        ListComparison.objects.update(lease_until=clock.now() - timedelta(seconds=1))  # it was killed
    calls = account.requests()["totals"]["calls"]
    assert ListedContact.objects.count() < 9_503
    settings.SLICE_SECONDS = 60
    while comparison.compare(job.pk):
        pass
    done = ListComparison.objects.get()
    assert (done.status, done.subscribers, done.other_state) == (JobStatus.SUCCESSFUL, 9_503, 9_500)
    assert done.progress_done == 4 + 10
    assert account.requests()["totals"]["calls"] > calls


def test_trouble_is_waited_out_and_a_deleted_list_ends_it(sent: Run, account: RunningSandbox) -> None:
    account.faults({"rules": [{"kind": "error", "path": "bounced", "times": 1, "status": 503}]})
    waiting = compare()
    assert (waiting.status, waiting.tries) == (JobStatus.PROCESSING, 1)
    ListComparison.objects.update(due_at=clock.now())
    assert compare().status == JobStatus.SUCCESSFUL
    account.api("DELETE", f"/lists/{account.list_id}.json").raise_for_status()
    failed = compare()
    assert (failed.status, failed.message) == (JobStatus.FAILED, "101")


def test_one_comparison_of_a_list_is_open(sent: Run) -> None:
    watches.make_missing()
    comparison.request_all()
    comparison.request_all()
    assert ListComparison.objects.count() == 1


# -- the alert ---------------------------------------------------------------------------------------------------


def test_much_drift_opens_an_alert_that_a_better_comparison_closes(
    sent: Run, account: RunningSandbox, settings: Settings, alice: User
) -> None:
    settings.LIST_DRIFT_PERCENT, settings.EVENT_WEBHOOK_HOSTS = 40, ["127.0.0.1"]
    webhooks.create_webhook(address="http://127.0.0.1/x", event_types=[EventType.LIST_DRIFT], by=alice)
    account.set_state([BEN], "Unsubscribed")
    compare()
    assert not Condition.objects.exists()
    account.set_state([ANN, CID], "Unsubscribed")
    compare()
    condition = Condition.objects.get(kind=Kind.DRIFT, closed_at=None)
    assert condition.subject_name == "Newsletter"
    assert condition.results == {"other_state": 2, "other_data": 0, "gone": 0}
    event = Event.objects.get()
    assert (event.type, event.data["other_state"]) == ("list.drift", 2)
    assert [export["id"] for export in event.data["exports"]] == [sent.export_id]
    assert condition.path == f"/data/exports/{Export.objects.get().pk}/list/"
    compare()
    assert not Condition.objects.filter(closed_at=None).exists()

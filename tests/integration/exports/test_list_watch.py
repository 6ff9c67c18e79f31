"""Looking at a list: who left it is suppressed in the next plan, and who is active again is sent."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections import actions as connection_actions
from connections.destinations.campaign_monitor.sandbox.model import now as now_there
from connections.models import Connection
from exports import tasks
from exports.feedback import listed_states, look, watches, webhooks
from exports.models import (
    Export,
    ListComparison,
    ListState,
    ListWatch,
    ListWebhook,
    Refused,
    RemovedContact,
    Run,
    StatusSource,
    SubscriberStatus,
)
from segments.models import ErasedHash, Erasure
from segments.privacy.subjects import hash_of_email
from tests.integration.exports.conftest import run_to_its_end
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BEN, CID = "ann@example.com", "ben@example.com", "cid@example.com"


def look_now() -> ListWatch:
    """Look at all lists as the workers do, whether that is due or not."""
    watches.make_missing()
    ListWatch.objects.update(due_at=clock.now() - timedelta(seconds=1))
    for watch_id in watches.due():
        for _slice in range(100):
            if not look.look(watch_id):
                break
    return ListWatch.objects.get()


def statuses() -> dict[str, tuple[str, str]]:
    return {row.email: (row.code, row.source) for row in SubscriberStatus.objects.all()}


def results(run: Run) -> dict[str, int]:
    return {
        "unchanged": run.unchanged,
        "suppressed": run.left + run.still_suppressed,
        "planned": run.planned,
        "delivered": run.delivered,
    }


@pytest.fixture
def sent(newsletter: Export) -> Run:
    """The export has sent Ann, Ben and Cid, and its list was looked at."""
    run = run_to_its_end(newsletter)
    assert run.delivered == 3
    look_now()
    return run


@pytest.mark.parametrize("state", ["Unsubscribed", "Bounced", "Deleted"])
def test_who_left_the_list_is_suppressed_in_the_next_plan(
    state: str, sent: Run, account: RunningSandbox, newsletter: Export
) -> None:
    account.set_state([BEN], state)
    watch = look_now()
    assert statuses() == {BEN: (state.lower(), StatusSource.POLL)}
    assert (watch.began_at, watch.message, watch.status) == (None, "", JobStatus.QUEUED)
    received = account.received()
    again = run_to_its_end(newsletter)
    assert results(again) == {"unchanged": 2, "suppressed": 1, "planned": 0, "delivered": 0}
    assert account.received() == received
    contacts = again.blocks.filter(kind="suppressed").values_list("emails", "code")
    assert list(contacts) == [([BEN], state.lower())]


def test_who_left_is_not_sent_even_when_everything_is_sent_again_or_data_have_changed(
    sent: Run, account: RunningSandbox, newsletter: Export, bob: User
) -> None:
    account.set_state([BEN], "Unsubscribed")
    look_now()
    Export.objects.update(mapping=[])
    received = account.received()[BEN]
    assert run_to_its_end(Export.objects.get()).still_suppressed == 1
    assert account.received()[BEN] == received


def test_the_date_is_the_lists_own_and_the_first_look_reads_who_left_before(
    account: RunningSandbox, newsletter: Export
) -> None:
    account.set_state(["old@example.com"], "Bounced", since="2019-05-04 03:02:01")
    look_now()
    row = SubscriberStatus.objects.get()
    assert (row.email, row.code, row.since) == ("old@example.com", "bounced", "2019-05-04 03:02:01")


def test_who_is_active_again_is_sent_again(sent: Run, account: RunningSandbox, newsletter: Export) -> None:
    account.set_state([BEN], "Unsubscribed")
    look_now()
    assert run_to_its_end(newsletter).still_suppressed == 1
    account.set_state([BEN], "Active")
    look_now()
    assert statuses() == {}
    assert results(run_to_its_end(newsletter)) == {"unchanged": 3, "suppressed": 0, "planned": 0, "delivered": 0}


def test_a_refusal_of_an_earlier_run_is_forgotten_when_the_contact_is_active_again(
    account: RunningSandbox, newsletter: Export
) -> None:
    account.set_state([BEN], "Unsubscribed")
    assert run_to_its_end(newsletter).left == 1
    look_now()
    assert Refused.objects.filter(email=BEN, left=True).exists()
    account.set_state([BEN], "Active")
    SubscriberStatus.objects.update(known_since=clock.now() - timedelta(minutes=5))
    look_now()
    assert not Refused.objects.exists()
    assert run_to_its_end(newsletter).planned == 1


def test_an_address_on_the_suppression_list_stays_suppressed_though_active(
    sent: Run, account: RunningSandbox, newsletter: Export
) -> None:
    account.set_state([BEN], "Suppressed")
    Export.objects.update(mapping=[])
    assert run_to_its_end(Export.objects.get()).left == 1
    assert statuses() == {BEN: ("204", StatusSource.SENDING)}
    account.set_state([BEN], "Bounced")
    account.set_state([BEN], "Active")
    look_now()
    assert statuses() == {BEN: ("204", StatusSource.SENDING)}


def test_contacts_that_a_run_deleted_are_no_news(sent: Run, account: RunningSandbox) -> None:
    state = ListState.objects.get()
    account.set_state([BEN, CID], "Deleted")
    RemovedContact.objects.create(list_state=state, email=BEN, operation="delete", run_id=sent.pk)
    look_now()
    assert statuses() == {CID: ("deleted", StatusSource.POLL)}


def test_contacts_that_an_open_run_is_deleting_are_no_news(sent: Run, account: RunningSandbox) -> None:
    Run.objects.update(status=JobStatus.PROCESSING, finished_at=None)
    batch = sent.batches.get()
    batch.pk, batch.number, batch.operation, batch.emails = None, 9, "delete", [BEN]
    batch.save()
    account.set_state([BEN, CID], "Deleted")
    look_now()
    assert statuses() == {CID: ("deleted", StatusSource.POLL)}


def test_erased_people_are_not_learned_again(sent: Run, account: RunningSandbox, alice: User) -> None:
    erasure = Erasure.objects.create(short_id="1", erased_by=alice, erased_by_name="Alice")
    ErasedHash.objects.create(hash=hash_of_email(BEN), erasure=erasure)
    account.set_state([BEN, CID], "Deleted")
    look_now()
    assert statuses() == {CID: ("deleted", StatusSource.POLL)}


def test_an_older_page_does_not_replace_what_was_shown_later(sent: Run, account: RunningSandbox) -> None:
    account.set_state([BEN], "Unsubscribed")
    look_now()
    later = now_there()[:10] + " 23:59:59"
    SubscriberStatus.objects.update(since=later)
    look_now()
    assert SubscriberStatus.objects.get().since == later


def test_the_look_up_of_a_contact_says_why_it_is_suppressed(
    sent: Run, account: RunningSandbox, bob_client: Client
) -> None:
    account.set_state([BEN], "Bounced")
    look_now()
    shown = bob_client.post("/data/exports/person/", {"email": BEN}).content.decode()
    assert "Suppressed" in shown
    assert "Emails to this address bounced" in shown


def test_a_tick_enqueues_what_is_due(
    newsletter: Export, settings: Settings, enqueued: list[tuple[object, ...]]
) -> None:
    settings.LIST_WEBHOOK_URL = "http://127.0.0.1:9"
    cache.clear()
    tasks.enqueue_pending()
    watch, webhook = ListWatch.objects.get(), ListWebhook.objects.get()
    assert ("exports.tasks.look_at_list", watch.pk) in enqueued
    assert ("exports.tasks.tend_list_webhook", webhook.pk) in enqueued
    tasks.look_at_list(watch.pk)
    tasks.tend_list_webhook(webhook.pk)
    assert (watches.due(), webhooks.due()) == ([], [])
    enqueued.clear()
    tasks.compare_lists()
    tasks.enqueue_pending()
    comparison = ListComparison.objects.get()
    assert [message for message in enqueued if "list" in str(message[0])] == [
        ("exports.tasks.compare_list", comparison.pk)
    ]
    tasks.compare_list(comparison.pk)
    comparison.refresh_from_db()
    assert comparison.status == JobStatus.SUCCESSFUL


def test_what_is_known_of_lists_without_exports_is_forgotten(sent: Run, newsletter: Export) -> None:
    Export.objects.update(list_id="c" * 32)
    tasks.forget_unused_lists()
    assert ListState.objects.count() == 1  # the export has contacts on its former list
    Export.objects.all().delete()
    tasks.forget_unused_lists()
    assert (ListState.objects.count(), ListWatch.objects.count()) == (0, 0)


# -- pages, interruptions and trouble ----------------------------------------------------------------------------


def test_a_look_reads_only_what_changed(sent: Run, account: RunningSandbox) -> None:
    gone = [f"gone{number}@example.com" for number in range(2_300)]
    account.set_state(gone, "Unsubscribed", since="2024-01-01 00:00:00")
    account.clear_requests()
    ListWatch.objects.update(positions={})
    look_now()
    assert SubscriberStatus.objects.count() == 2_300
    assert account.requests()["totals"]["calls"] == 3 + 1 + 1 + 1
    account.set_state([ANN], "Unsubscribed")
    look_now()
    account.clear_requests()
    look_now()
    assert account.requests()["totals"]["calls"] == 4


def test_a_look_goes_on_where_a_killed_worker_left_it(
    sent: Run, account: RunningSandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [f"gone{number}@example.com" for number in range(2_300)]
    account.set_state(gone, "Unsubscribed", since="2024-01-01 00:00:00")
    ListWatch.objects.update(positions={}, due_at=clock.now())
    settings.SLICE_SECONDS = 0
    watch = ListWatch.objects.get()
    assert look.look(watch.pk)
    assert SubscriberStatus.objects.count() == 1_000
    ListWatch.objects.update(lease_until=clock.now() - timedelta(seconds=1))  # it was killed
    account.clear_requests()
    settings.SLICE_SECONDS = 60
    look.look(watch.pk)
    assert SubscriberStatus.objects.count() == 2_300
    assert account.requests()["totals"]["calls"] == 2 + 1 + 1 + 1


def test_one_worker_looks_at_a_list(sent: Run) -> None:
    ListWatch.objects.update(due_at=clock.now(), lease_until=clock.now() + timedelta(seconds=20))
    assert watches.due() == []
    assert not look.look(ListWatch.objects.get().pk)


def test_a_webhook_during_a_long_look_lets_it_read_again_who_left(
    sent: Run, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_page = listed_states.record_page

    def unsubscribe_meanwhile(state: ListState, listed: Any, rows: Any, **known: Any) -> None:
        if listed == "deleted" and not SubscriberStatus.objects.exists():
            account.set_state([CID], "Unsubscribed")
            watches.ask(state.pk)
        record_page(state, listed, rows, **known)

    monkeypatch.setattr(listed_states, "record_page", unsubscribe_meanwhile)
    account.set_state([ANN], "Deleted")
    watch = look_now()
    assert statuses() == {ANN: ("deleted", StatusSource.POLL), CID: ("unsubscribed", StatusSource.WEBHOOK)}
    assert watch.asked_at is None


@pytest.fixture
def news_with_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A webhook asks for a look while each page is read."""
    record_page = listed_states.record_page

    def ask_meanwhile(state: ListState, *args: Any, **known: Any) -> None:
        watches.ask(state.pk)
        record_page(state, *args, **known)

    monkeypatch.setattr(listed_states, "record_page", ask_meanwhile)


@pytest.mark.usefixtures("news_with_every_page")
def test_news_does_not_keep_a_look_from_reading_many_who_left(sent: Run, account: RunningSandbox) -> None:
    gone = [f"gone{number}@example.com" for number in range(4_300)]
    account.set_state(gone, "Unsubscribed", since="2024-01-01 00:00:00")
    ListWatch.objects.update(positions={}, due_at=clock.now())
    account.clear_requests()
    watch = ListWatch.objects.get()
    assert look.look(watch.pk)
    assert SubscriberStatus.objects.count() == 4_300
    assert account.requests()["totals"]["calls"] == 5 + 1 + 1 + 1
    assert watches.due() == [watch.pk]  # for what was asked meanwhile
    look.look(watch.pk)
    assert account.requests()["totals"]["calls"] == 2 * 8


@pytest.mark.usefixtures("news_with_every_page")
def test_news_does_not_keep_a_look_from_reading_many_who_are_active(sent: Run, account: RunningSandbox) -> None:
    account.set_state([f"new{number}@example.com" for number in range(2_300)], "Active")
    ListWatch.objects.update(due_at=clock.now(), asked_at=None)
    account.clear_requests()
    assert look.look(ListWatch.objects.get().pk)
    assert account.requests()["totals"]["calls"] == (3 + 1) * 3
    assert ListWatch.objects.get().began_at is None


def test_a_webhook_that_asks_at_the_very_end_of_a_look_gets_another(
    sent: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    completed = look._completed

    def ask_then(watch: ListWatch) -> dict[str, Any]:
        watches.ask(watch.list_state_id)
        return completed(watch)

    monkeypatch.setattr(look, "_completed", ask_then)
    ListWatch.objects.update(due_at=clock.now())
    watch = ListWatch.objects.get()
    assert look.look(watch.pk)
    assert watches.due() == [watch.pk]


def test_a_paused_connection_is_not_asked(sent: Run, account: RunningSandbox, alice: User) -> None:
    connection_actions.pause(by=alice, connection=Connection.objects.get())
    account.clear_requests()
    watch = look_now()
    assert (account.requests()["totals"]["calls"], watch.message) == (0, "paused")
    assert watch.due_at > clock.now()


def test_the_vendor_is_left_alone_when_it_asks_for_a_wait(sent: Run, account: RunningSandbox) -> None:
    account.faults({"rules": [{"kind": "throttle", "path": "unsubscribed", "times": 1, "retry_after": 60}]})
    account.clear_requests()
    watch = look_now()
    paused_until = Connection.objects.get().paused_until
    assert paused_until is not None
    assert paused_until > clock.now() + timedelta(seconds=50)
    assert (watch.tries, account.requests()["totals"]["calls"]) == (1, 1)
    look_now()
    assert account.requests()["totals"]["calls"] == 1


def test_revoked_credentials_ask_for_an_administrator(sent: Run, account: RunningSandbox) -> None:
    account.faults({"rules": [{"kind": "refuse_credential", "code": 100}]})
    look_now()
    assert Connection.objects.get().reconnect_reason
    account.clear_requests()
    assert look_now().message == "no_connection"
    assert account.requests()["totals"]["calls"] == 0


def test_a_deleted_list_is_looked_at_less_and_less(sent: Run, account: RunningSandbox) -> None:
    account.api("DELETE", f"/lists/{account.list_id}.json").raise_for_status()
    assert (look_now().tries, look_now().tries) == (1, 2)
    assert ListWatch.objects.get().message == "101"

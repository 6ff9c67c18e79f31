"""Webhooks of lists: they are created and deleted with exports, and what they say is looked up on the list."""

import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from config.logging import redact
from config.platform.jobs import clock
from exports.actions import manage
from exports.feedback import look, watches, webhook_calls, webhooks
from exports.models import (
    BatchStatus,
    Export,
    ListState,
    ListWatch,
    ListWebhook,
    RemovedContact,
    Run,
    StatusSource,
    SubscriberStatus,
    SyncedContact,
)
from exports.results import record
from tests.integration.exports.conftest import run_to_its_end
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BEN, CID = "ann@example.com", "ben@example.com", "cid@example.com"
LOCAL = "http://127.0.0.1:9"


def tend() -> None:
    """Tend all webhooks as the workers do."""
    watches.make_missing()
    webhooks.update_wanted()
    for webhook_id in webhooks.due():
        webhooks.tend(webhook_id)


def look_now() -> None:
    for watch_id in watches.due():
        while look.look(watch_id):
            pass


def registered(account: RunningSandbox) -> list[dict[str, Any]]:
    return list(account.api("GET", f"/lists/{account.list_id}/webhooks.json").json())


def path_of(account: RunningSandbox) -> str:
    return str(registered(account)[0]["Url"]).removeprefix(LOCAL)


def call(path: str, *events: dict[str, Any], list_id: str | None = None, client: Client | None = None) -> int:
    body = {"ListID": list_id or RunningSandbox.list_id, "Events": list(events)}
    answer = (client or Client(enforce_csrf_checks=True)).post(path, json.dumps(body), "application/json")
    return answer.status_code


def left(email: str, state: str = "Unsubscribed") -> dict[str, Any]:
    return {"Type": "Deactivate", "EmailAddress": email, "State": state, "Date": "2026-01-01 00:00:00"}


@pytest.fixture
def hook(account: RunningSandbox, newsletter: Export, settings: Settings) -> str:
    """The path of the webhook of a list to which three contacts were sent, and that was looked at."""
    run_to_its_end(newsletter)
    settings.LIST_WEBHOOK_URL = LOCAL
    tend()
    look_now()
    assert watches.due() == []
    return path_of(account)


# -- created and deleted with exports ----------------------------------------------------------------------------


def test_it_is_created_with_an_export_and_deleted_with_the_last_one(
    account: RunningSandbox, newsletter: Export, settings: Settings
) -> None:
    settings.LIST_WEBHOOK_URL = "https://exports.example.com/base/"
    tend()
    (found,) = registered(account)
    assert found["Url"].startswith("https://exports.example.com/base/hooks/lists/")
    assert (sorted(found["Events"]), found["PayloadFormat"]) == (["Deactivate", "Subscribe"], "Json")
    webhook = ListWebhook.objects.get()
    assert (webhook.remote_id, webhook.message) == (found["WebhookID"], "")
    secret = found["Url"].split("/")[-2]
    assert len(secret) >= 43
    assert secret not in str(ListWebhook.objects.values().get())

    second = manage.duplicate(newsletter, by=None)
    manage.remove(newsletter, by=None)
    tend()
    assert len(registered(account)) == 1
    manage.remove(second, by=None)
    tend()
    assert (registered(account), ListWebhook.objects.count()) == ([], 0)


def test_there_is_none_without_an_address(account: RunningSandbox, newsletter: Export, settings: Settings) -> None:
    tend()
    assert registered(account) == []
    settings.LIST_WEBHOOK_URL = LOCAL
    tend()
    settings.LIST_WEBHOOK_URL = ""
    tend()
    assert registered(account) == []


def test_it_is_deleted_when_the_export_goes_to_another_list(
    account: RunningSandbox, newsletter: Export, settings: Settings
) -> None:
    settings.LIST_WEBHOOK_URL = LOCAL
    tend()
    Export.objects.update(list_id=account.create_list("Other"))
    tend()
    assert registered(account) == []
    assert ListWebhook.objects.get().is_wanted


@pytest.mark.parametrize("change", ["deactivated", "deleted", "moved", "died"])
def test_it_is_repaired_by_the_daily_check(
    change: str, account: RunningSandbox, newsletter: Export, settings: Settings
) -> None:
    settings.LIST_WEBHOOK_URL = LOCAL
    tend()
    before = registered(account)[0]
    path = f"/lists/{account.list_id}/webhooks/{before['WebhookID']}"
    if change == "deactivated":
        account.api("PUT", f"{path}/deactivate.json")
    elif change == "deleted":
        account.api("DELETE", f"{path}.json")
    elif change == "moved":
        settings.LIST_WEBHOOK_URL = "http://127.0.0.1:10"
    else:  # the worker died before it had recorded the creation
        ListWebhook.objects.update(remote_id="")
    ListWebhook.objects.update(due_at=clock.now())
    tend()
    (after,) = registered(account)
    assert after["Status"] == "Active"
    assert after["Url"].startswith(settings.LIST_WEBHOOK_URL)
    assert (after["WebhookID"] == before["WebhookID"]) == (change == "deactivated")


def test_one_that_becomes_unwanted_while_it_is_checked_is_deleted_at_once(
    newsletter: Export, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIST_WEBHOOK_URL = LOCAL
    create = webhooks._create

    def create_and_want_it_no_more(*args: Any) -> None:
        create(*args)
        ListWebhook.objects.update(is_wanted=False, due_at=clock.now())

    monkeypatch.setattr(webhooks, "_create", create_and_want_it_no_more)
    tend()
    assert webhooks.due() == [ListWebhook.objects.get().pk]


def test_webhooks_of_others_stay(account: RunningSandbox, newsletter: Export, settings: Settings) -> None:
    body = {"Events": ["Subscribe"], "Url": "http://127.0.0.1:9/theirs", "PayloadFormat": "json"}
    account.api("POST", f"/lists/{account.list_id}/webhooks.json", json=body).raise_for_status()
    settings.LIST_WEBHOOK_URL = LOCAL
    tend()
    manage.remove(newsletter, by=None)
    tend()
    assert [each["Url"] for each in registered(account)] == ["http://127.0.0.1:9/theirs"]


# -- calls -------------------------------------------------------------------------------------------------------


def test_an_unsubscribe_excludes_the_contact_from_a_plan_soon_after(
    account: RunningSandbox, newsletter: Export, settings: Settings, live_server: LiveServer
) -> None:
    run_to_its_end(newsletter)
    settings.LIST_WEBHOOK_URL = live_server.url
    tend()
    look_now()
    account.api("POST", f"/subscribers/{account.list_id}/unsubscribe.json", json={"EmailAddress": BEN})
    until = time.monotonic() + 5
    while not SubscriberStatus.objects.exists():
        assert time.monotonic() < until, account.door("GET", "webhooks")
        look_now()
        time.sleep(0.05)
    status = SubscriberStatus.objects.get()
    assert (status.email, status.code, status.source) == (BEN, "unsubscribed", StatusSource.WEBHOOK)
    assert run_to_its_end(newsletter).still_suppressed == 1


def test_a_forged_call_changes_nothing(hook: str, account: RunningSandbox) -> None:
    assert call(hook, left(BEN)) == 200
    look_now()
    assert not SubscriberStatus.objects.exists()


def test_a_call_that_comes_again_asks_for_no_look(hook: str, account: RunningSandbox) -> None:
    account.set_state([BEN], "Unsubscribed")
    call(hook, left(BEN))
    look_now()
    account.clear_requests()
    assert call(hook, left(BEN)) == 200
    assert (watches.due(), account.requests()["totals"]["calls"]) == ([], 0)


def test_our_own_imports_and_removals_are_no_news(hook: str, account: RunningSandbox) -> None:
    state = ListState.objects.get()
    RemovedContact.objects.create(list_state=state, email=CID, operation="delete", run_id=1)
    joined = [{"Type": "Subscribe", "EmailAddress": ANN}, {"Type": "Subscribe", "EmailAddress": "new@example.com"}]
    assert call(hook, *joined, {"Type": "Update", "EmailAddress": BEN}, left(CID, "Deleted")) == 200
    assert watches.due() == []


def test_a_contact_being_removed_is_no_news(hook: str) -> None:
    run = Run.objects.get()
    Run.objects.update(status="processing", finished_at=None)
    batch = run.batches.get()
    batch.pk, batch.number, batch.operation, batch.emails = None, 9, "delete", [BEN]
    batch.status = BatchStatus.SENDING
    batch.save()
    call(hook, left(BEN, "Deleted"))
    assert watches.due() == []


def test_who_joins_again_is_looked_up(hook: str, account: RunningSandbox) -> None:
    account.set_state([BEN], "Unsubscribed")
    call(hook, left(BEN))
    look_now()
    account.set_state([BEN], "Active")
    call(hook, {"Type": "Subscribe", "EmailAddress": BEN})
    look_now()
    assert not SubscriberStatus.objects.exists()


def test_a_call_is_answered_without_asking_the_list(hook: str, account: RunningSandbox) -> None:
    account.clear_requests()
    assert call(hook, left(BEN)) == 200
    assert account.requests()["totals"]["calls"] == 0
    assert len(watches.due()) == 1
    assert ListWebhook.objects.get().received_at is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"ListID": 7, "Events": []}',
        b'{"ListID": "a1150000000000000000000000000001", "Events": {}}',
        b'{"ListID": "a1150000000000000000000000000001", "Events": [null, 7, {"Type": []}]}',
        b'{"ListID": "a1150000000000000000000000000001", "Events": [{"Type": "Deactivate"}]}',
        b'{"ListID": "a1150000000000000000000000000001",'
        b' "Events": [{"Type": "Deactivate", "EmailAddress": "\\u0000"}]}',
        b'{"ListID": "' + b"b" * 32 + b'", "Events": [{"Type": "Deactivate", "EmailAddress": "ben@example.com"}]}',
        b'{"ListID": "a1150000000000000000000000000001", "Events": [' + b"{}," * 1_000 + b"{}]}",
        b"[" * 100_000,
    ],
)
def test_garbage_has_no_effect(hook: str, body: bytes) -> None:
    answer = Client().post(hook, body, "application/json")
    assert answer.status_code == 200
    assert watches.due() == []


@pytest.mark.parametrize("wrong", ["secret", "id", "shape"])
def test_another_secret_is_not_found(hook: str, wrong: str) -> None:
    _empty, _hooks, _lists, webhook_id, secret, _end = hook.split("/")
    addresses = {"secret": (webhook_id, secret[:-1] + "_"), "id": ("4711", secret), "shape": (webhook_id, "é" * 9)}
    chosen = addresses[wrong]
    assert call(reverse("exports:list_webhook", args=[int(chosen[0]), chosen[1]]), left(BEN)) == 404
    assert watches.due() == []
    assert ListWebhook.objects.get().received_at is None


def test_a_webhook_without_a_secret_is_not_found(hook: str) -> None:
    ListWebhook.objects.update(secret_hash="")
    assert call(hook, left(BEN)) == 404


def test_a_large_body_is_refused_unread(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_calls, "MOST_BYTES", 100)
    assert Client().post(hook, b"x" * 101, "application/json").status_code == 413


def test_the_address_and_the_people_appear_in_no_log(hook: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    Client().get(hook)
    Client().post(hook + "x", b"", "application/json")
    Client().post(hook, b'{"ben@example.com', "application/json")
    call(hook, left(BEN))
    secret = hook.split("/")[-2]
    lines = [redact(line.getMessage()) for line in caplog.records if not line.name.startswith("django.db")]
    assert not [line for line in lines if secret in line or BEN in line]


# -- beside runs -------------------------------------------------------------------------------------------------


@pytest.fixture
def leaves_during_the_run(account: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ben unsubscribes after his batch was answered and before its result is recorded."""
    keep = record.record

    def look_before(run: Run, *arguments: Any) -> None:
        if not SubscriberStatus.objects.exists():
            account.set_state([BEN], "Unsubscribed")
            ListWatch.objects.update(due_at=clock.now() - timedelta(seconds=1))
            look_now()
        keep(run, *arguments)

    monkeypatch.setattr(record, "record", look_before)
    return iter(())


@pytest.mark.usefixtures("leaves_during_the_run")
def test_who_leaves_during_a_run_stays_suppressed(account: RunningSandbox, newsletter: Export) -> None:
    watches.make_missing()
    run = run_to_its_end(newsletter)
    assert run.delivered == 3
    assert SubscriberStatus.objects.get().email == BEN
    assert SyncedContact.objects.count() == 3
    assert run_to_its_end(newsletter).still_suppressed == 1


def test_a_real_server_takes_a_call(hook: str, live_server: LiveServer) -> None:
    body = {"ListID": RunningSandbox.list_id, "Events": [left(BEN)]}
    session = requests.Session()
    session.trust_env = False
    with session:
        assert session.post(live_server.url + hook, json=body, timeout=20).status_code == 200
    assert len(watches.due()) == 1

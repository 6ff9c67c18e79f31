"""Webhooks of events: their scope, their secrets, what is refused, and what happens to what waits."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.events import outbox, rounds, webhooks
from config.platform.events.models import Delivery, EventType, Webhook
from config.platform.events.receiver import WrongAddress
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from tests.integration.events.conftest import happen, webhook_to
from tests.integration.events.test_delivery import due_again, verify
from tests.support.event_receiver import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("enqueued")]


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "http://1.1.1.1/x",
        "https://user:word@1.1.1.1/x",
        "ftp://1.1.1.1/x",
        "https:///x",
        "https://1.1.1.1:99999/x",
        "https://1.1.1.1/a b",
        "https://[1.1.1.1/x",
        "",
    ],
)
def test_addresses_that_lead_inside_or_nowhere_are_refused(address: str, alice: User, settings: Settings) -> None:
    settings.EVENT_WEBHOOK_HOSTS = []
    with pytest.raises(WrongAddress):
        webhooks.create_webhook(address=address, event_types=["run.failed"], by=alice)
    assert not Webhook.objects.exists()


def test_a_contributor_manages_none(bob: User, webhook: Webhook) -> None:
    with pytest.raises(PermissionDenied):
        webhooks.remove_webhook(webhook, by=bob)
    with pytest.raises(PermissionDenied):
        webhooks.rotate_secret(webhook, by=bob)


def test_the_scope_decides_which_events_are_sent(receiver: Receiver, alice: User) -> None:
    everything = webhook_to(receiver.url, by=alice)
    export = webhook_to(receiver.url, by=alice, export_id=7)
    of_connection = webhook_to(receiver.url, by=alice, connection_id=3)
    happen(1, exports=(7,), connections=(3,))
    happen(2, exports=(8,), connections=(3,))
    happen(3)
    sent = {
        each.pk: list(each.deliveries.order_by("pk").values_list("event__data__number", flat=True))
        for each in (everything, export, of_connection)
    }
    assert sent == {everything.pk: [1, 2, 3], export.pk: [1], of_connection.pk: [1, 2]}


def test_types_that_are_not_chosen_are_not_sent(receiver: Receiver, alice: User) -> None:
    webhooks.create_webhook(address=receiver.url, event_types=[EventType.RUN_FAILED], by=alice)
    happen()
    assert not Delivery.objects.exists()


def test_for_a_day_both_secrets_sign(webhook: Webhook, receiver: Receiver, alice: User) -> None:
    before = webhooks.secrets_of(webhook)[0]
    after = webhooks.rotate_secret(webhook, by=alice)
    happen(1)
    rounds.deliver_due(0.3)
    headers, body = receiver.posts[0]
    assert verify(dict(headers), body, before)
    assert verify(dict(headers), body, after)
    with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1), tick=True):
        webhook.refresh_from_db()
        assert webhooks.secrets_of(webhook) == [after]


def test_the_audit_holds_no_secret_and_no_path(webhook: Webhook, alice: User) -> None:
    secret = webhooks.rotate_secret(webhook, by=alice)
    webhook.refresh_from_db()
    changed = webhook.address.replace("hidden", "another")
    webhooks.edit_webhook(webhook, version=0, address=changed, event_types=["run.failed"], by=alice)
    words = str(list(AuditEntry.objects.values()))
    assert secret not in words
    assert "hidden" not in words
    assert "another" not in words


def test_a_webhook_that_is_turned_off_sends_nothing_of_what_waits(webhook: Webhook, alice: User) -> None:
    happen()
    webhooks.edit_webhook(
        webhook, version=0, address=webhook.address, event_types=["run.failed"], is_enabled=False, by=alice
    )
    delivery = Delivery.objects.get()
    assert delivery.status == JobStatus.CANCELED
    with pytest.raises(webhooks.NotSent):
        webhooks.resend(Delivery.objects.get(), by=alice)


def test_resending_sends_the_same_id(webhook: Webhook, receiver: Receiver, alice: User) -> None:
    happen()
    rounds.deliver_due(0.3)
    webhooks.resend(Delivery.objects.get(), by=alice)
    due_again()
    rounds.deliver_due(0.3)
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


def test_a_test_is_sent_at_once_and_not_again(webhook: Webhook, receiver: Receiver, alice: User) -> None:
    receiver.status = 500
    delivery = rounds.deliver_now(webhooks.create_test(webhook, by=alice))
    assert (delivery.status, delivery.http_status) == (JobStatus.FAILED, 500)
    assert receiver.documents[0]["type"] == "webhook.test"
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_a_webhook_is_removed_with_what_waits(webhook: Webhook, alice: User) -> None:
    for number in range(3):
        happen(number)
    webhooks.remove_webhook(webhook, by=alice)
    assert not Delivery.objects.exists()
    assert AuditEntry.objects.filter(action="removed", target_kind="webhook").exists()


def test_ten_thousand_waiting_deliveries_are_looked_at_quickly(
    webhook: Webhook, django_assert_max_num_queries: object
) -> None:
    happen()
    event = Delivery.objects.get().event
    events = type(event).objects.bulk_create(type(event)(type=event.type, data={}) for _n in range(10_000))
    Delivery.objects.bulk_create(Delivery(event=each, webhook=webhook) for each in events)
    began = clock.now()
    assert rounds.is_any_due()
    assert len(rounds._claim_due({})) == rounds.MOST_OF_A_WEBHOOK
    assert (clock.now() - began).total_seconds() < 0.5


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_is_removed_while_an_event_is_written_fails_neither(webhook: Webhook, alice: User) -> None:
    written, errors = threading.Event(), []

    def write() -> None:
        try:
            with transaction.atomic():
                happen()
                written.set()
                threading.Event().wait(0.5)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    written.wait(5)
    webhooks.remove_webhook(webhook, by=alice)
    thread.join()
    assert errors == []
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_emits_nothing(webhook: Webhook, enqueued: list[object]) -> None:
    def fail() -> None:
        with transaction.atomic():
            happen()
            raise ValueError("the change failed")

    with pytest.raises(ValueError, match="the change failed"):
        fail()
    assert not Delivery.objects.exists()
    assert enqueued == []
    happen()
    assert enqueued == [(outbox.DELIVER, 0)]

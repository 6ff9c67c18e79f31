"""Deliveries of events: signed, at least once, and never held up by a receiver."""

import base64
import hashlib
import hmac
import time
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.encryption.fields import Sealed
from config.platform.events import outbox, rounds, tasks, webhooks
from config.platform.events.models import Delivery, Event, EventType, Webhook
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import Condition, Kind
from tests.integration.events.conftest import happen, webhook_to
from tests.support.event_receiver import Receiver, event_receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("enqueued")]


def work(seconds: float = 0.5) -> None:
    rounds.deliver_due(seconds)


def due_again() -> None:
    """Let what waits be due now."""
    Delivery.objects.update(not_before=clock.now())
    Webhook.objects.update(resume_at=None)


def verify(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Verify a message as Standard Webhooks describes it, apart from our own code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")


def secret_of(webhook: Webhook) -> str:
    sealed = webhook.sealed
    assert isinstance(sealed, Sealed)
    return sealed.open()["secret"]


def test_an_event_is_delivered_with_a_signature_that_the_receiver_can_verify(
    webhook: Webhook, receiver: Receiver
) -> None:
    happen()
    work()
    ((headers, body),) = receiver.posts
    assert verify(dict(headers), body, secret_of(webhook))
    assert not verify(dict(headers), body + b" ", secret_of(webhook))
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    document = receiver.documents[0]
    assert (document["type"], document["data"]) == ("run.completed", {"number": 1})
    assert document["timestamp"].endswith("Z")
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.http_status, delivery.tries) == (JobStatus.SUCCESSFUL, 200, 1)


def test_without_a_webhook_an_event_costs_one_query_and_is_not_built(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    def build() -> list[outbox.NewEvent]:
        raise AssertionError

    with django_assert_num_queries(3):  # with the savepoint of a transaction within another
        outbox.emit([EventType.RUN_FAILED], build)
    assert not Event.objects.exists()


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_what_is_not_accepted_is_sent_again_with_the_same_id(
    webhook: Webhook, receiver: Receiver, status: int
) -> None:
    receiver.status, receiver.headers = status, {"Location": receiver.url}
    happen()
    work()
    waiting = Delivery.objects.get()
    assert (waiting.status, waiting.http_status, len(receiver.posts)) == (JobStatus.QUEUED, status, 1)
    assert waiting.not_before > clock.now()
    assert str(status) in waiting.message
    receiver.status = 204
    due_again()
    work()
    assert Delivery.objects.get().status == JobStatus.SUCCESSFUL
    assert receiver.ids[0] == receiver.ids[1]
    assert receiver.posts[0][1] == receiver.posts[1][1]


def test_retry_after_is_respected(webhook: Webhook, receiver: Receiver) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": "120"}
    happen()
    work()
    assert Delivery.objects.get().not_before > clock.now() + timedelta(seconds=100)


def test_gone_turns_the_webhook_off_with_an_audit_entry_and_an_alert(
    webhook: Webhook, receiver: Receiver, alice: User
) -> None:
    receiver.status = 410
    for number in range(5):
        happen(number)
    work()
    webhook.refresh_from_db()
    assert not webhook.is_enabled
    assert AuditEntry.objects.get(action="turned_off").target_id == webhook.pk
    assert Condition.objects.get(closed_at=None).kind == Kind.WEBHOOK_OFF
    assert not Delivery.objects.filter(status=JobStatus.QUEUED).exists()
    webhooks.edit_webhook(
        webhook, version=webhook.version, address=webhook.address, event_types=["run.failed"], by=alice
    )
    assert not Condition.objects.filter(closed_at=None).exists()


def test_a_webhook_that_fails_for_five_days_is_turned_off(webhook: Webhook, receiver: Receiver) -> None:
    receiver.status = 500
    happen()
    work()
    Webhook.objects.update(failing_since=clock.now() - timedelta(days=4, hours=23))
    due_again()
    work()
    assert Webhook.objects.get().is_enabled
    Webhook.objects.update(failing_since=clock.now() - timedelta(days=5, minutes=1))
    due_again()
    work()
    assert not Webhook.objects.get().is_enabled
    assert Condition.objects.get().kind == Kind.WEBHOOK_OFF


def test_one_event_that_is_refused_does_not_turn_the_webhook_off(webhook: Webhook, receiver: Receiver) -> None:
    receiver.status = 500
    happen()
    work()
    Delivery.objects.update(
        queued_at=clock.now() - timedelta(days=6), not_before=clock.now() + timedelta(minutes=9)
    )
    receiver.status = 200
    happen(2)
    Webhook.objects.update(resume_at=None)
    work()
    receiver.status = 500
    due_again()
    work()
    assert Webhook.objects.get().is_enabled
    assert sorted(Delivery.objects.values_list("status", flat=True)) == [JobStatus.FAILED, JobStatus.SUCCESSFUL]
    assert Webhook.objects.get().failing_since is None  # or a failure in a week would turn it off


def test_a_huge_answer_is_not_read(webhook: Webhook, receiver: Receiver) -> None:
    receiver.size = 200 * 1024 * 1024
    happen()
    began = time.monotonic()
    work()
    assert time.monotonic() - began < 2
    assert Delivery.objects.get().status == JobStatus.SUCCESSFUL


@pytest.mark.parametrize("way", ["silent", "byte by byte"])
def test_a_receiver_cannot_hold_a_worker(
    webhook: Webhook, receiver: Receiver, settings: Settings, way: str
) -> None:
    settings.LEASE_SECONDS = 2
    receiver.seconds, receiver.drips = (3.0, False) if way == "silent" else (0.0, True)
    happen()
    began = time.monotonic()
    work(0.1)
    assert time.monotonic() - began < 2
    waiting = Delivery.objects.get()
    assert (waiting.status, waiting.message) == (JobStatus.QUEUED, "The receiver did not answer in time.")


def test_a_slow_receiver_holds_up_no_other(webhook: Webhook, receiver: Receiver, alice: User) -> None:
    receiver.seconds = 1.0
    with event_receiver() as quick:
        webhook_to(quick.url, by=alice)
        for number in range(20):
            happen(number)
        work(3.0)
        assert len(quick.posts) == 20
    assert receiver.most_at_once == rounds.MOST_OF_A_WEBHOOK
    assert len(receiver.posts) < 20


def test_a_failing_receiver_is_not_flooded(webhook: Webhook, receiver: Receiver) -> None:
    receiver.status = 500
    for number in range(50):
        happen(number)
    work(2.0)
    assert 3 <= len(receiver.posts) <= 5
    assert not rounds.is_any_due()


def test_an_address_that_leads_inside_later_is_refused(
    webhook: Webhook, receiver: Receiver, settings: Settings
) -> None:
    settings.EVENT_WEBHOOK_HOSTS = []
    happen()
    work()
    waiting = Delivery.objects.get()
    assert not receiver.posts
    assert "EVENT_WEBHOOK_HOSTS" in waiting.message


def test_only_one_round_works_at_a_time(webhook: Webhook, receiver: Receiver) -> None:
    happen(1)
    Delivery.objects.update(lease_until=clock.now() + timedelta(seconds=30))
    happen(2)
    assert not rounds.is_any_due()
    work()
    assert not receiver.posts
    Delivery.objects.update(lease_until=clock.now() - timedelta(seconds=1))  # that worker was killed
    assert rounds.is_any_due()
    work()
    assert len(receiver.posts) == 2


def test_the_tick_finds_what_is_due(webhook: Webhook, enqueued: list[object]) -> None:
    tasks.enqueue_pending()
    assert enqueued == []
    happen()
    tasks.enqueue_pending()
    tasks.enqueue_pending()
    assert enqueued == [(outbox.DELIVER, 0)]


def test_events_are_forgotten_after_thirty_days(webhook: Webhook) -> None:
    happen(1)
    Event.objects.update(occurred_at=clock.now() - timedelta(days=31))
    happen(2)
    tasks.forget_old()
    assert [delivery.event.data["number"] for delivery in Delivery.objects.all()] == [2]

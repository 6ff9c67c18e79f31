"""Admin > System > Webhooks, as an administrator uses it."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.events import rounds
from config.platform.events.models import Delivery, EventType, Webhook
from config.platform.jobs.models import JobStatus
from tests.integration.events.conftest import happen, webhook_to
from tests.support.event_receiver import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("enqueued")]

PAGE = "/admin/system/webhooks/"


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_webhook_is_added_and_its_secret_is_shown_once(alice_client: Client, receiver: Receiver) -> None:
    data = {"address": receiver.url, "event_types": ["run.failed"], "scope": "", "is_enabled": "on"}
    page = alice_client.post(f"{PAGE}add/", data).content.decode()
    webhook = Webhook.objects.get()
    secret = webhook.sealed.open()["secret"]
    assert secret in page
    assert secret not in text_of(alice_client, f"{PAGE}{webhook.pk}/")
    assert secret not in text_of(alice_client, f"{PAGE}{webhook.pk}/edit/")
    assert webhook.event_types == ["run.failed"]
    assert webhook.host in text_of(alice_client, PAGE)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"address": "https://127.0.0.1/x"}, "EVENT_WEBHOOK_HOSTS"),
        ({"address": "x"}, "Enter a web address"),
        ({"event_types": ["run.exploded"]}, "Select a valid choice"),
        ({"event_types": []}, "required"),
        ({"scope": "export:999"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_used_is_refused(
    alice_client: Client, settings: Settings, values: dict[str, object], sentence: str
) -> None:
    settings.EVENT_WEBHOOK_HOSTS = []
    data = {"address": "https://1.1.1.1/x", "event_types": ["run.failed"], "scope": "", **values}
    answer = alice_client.post(f"{PAGE}add/", data)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Webhook.objects.exists()


def test_a_webhook_is_edited_turned_off_and_removed(alice_client: Client, webhook: Webhook) -> None:
    edit = f"{PAGE}{webhook.pk}/edit/"
    data = {"address": webhook.address, "event_types": ["run.failed"], "scope": "", "version": "0"}
    assert alice_client.post(edit, data).status_code == 302
    webhook.refresh_from_db()
    assert (webhook.is_enabled, webhook.version) == (False, 1)
    assert alice_client.post(edit, data).status_code == 409
    assert alice_client.post(f"{PAGE}{webhook.pk}/remove/").status_code == 302
    assert not Webhook.objects.exists()


def test_the_scope_of_a_removed_export_stays(alice_client: Client, receiver: Receiver, alice: User) -> None:
    webhook = webhook_to(receiver.url, by=alice, export_id=999)
    assert "Export 999 (removed)" in text_of(alice_client, f"{PAGE}{webhook.pk}/")
    data = {"address": receiver.url, "event_types": ["run.failed"], "scope": "export:999", "version": "0"}
    assert alice_client.post(f"{PAGE}{webhook.pk}/edit/", data).status_code == 302


def test_the_answer_to_a_test_is_shown(alice_client: Client, webhook: Webhook, receiver: Receiver) -> None:
    receiver.status = 503
    answer = alice_client.post(f"{PAGE}{webhook.pk}/test/", follow=True)
    assert re.search(r"HTTP 503 · \d+ ms", answer.content.decode())
    assert receiver.documents[0]["type"] == "webhook.test"


def test_the_log_is_filtered_and_shows_what_is_sent(
    alice_client: Client, webhook: Webhook, receiver: Receiver
) -> None:
    happen(41)
    rounds.deliver_due(0.2)
    receiver.status = 500
    happen(42)
    rounds.deliver_due(0.2)
    page = f"{PAGE}{webhook.pk}/"
    assert text_of(alice_client, page).count(">Resend<") == 2
    assert text_of(alice_client, f"{page}?status=waiting").count(">Resend<") == 1
    assert text_of(alice_client, f"{page}?type=run.failed").count(">Resend<") == 0
    sent = Delivery.objects.get(status=JobStatus.SUCCESSFUL)
    assert "&quot;number&quot;: 41" in text_of(alice_client, f"{PAGE}deliveries/{sent.pk}/")


def test_an_event_is_resent(alice_client: Client, webhook: Webhook, receiver: Receiver) -> None:
    happen()
    rounds.deliver_due(0.2)
    assert alice_client.post(f"{PAGE}deliveries/{Delivery.objects.get().pk}/resend/").status_code == 302
    rounds.deliver_due(0.2)
    assert len(receiver.posts) == 2


def test_a_replaced_secret_is_shown_once(alice_client: Client, webhook: Webhook) -> None:
    page = alice_client.post(f"{PAGE}{webhook.pk}/secret/").content.decode()
    webhook.refresh_from_db()
    assert webhook.sealed.open()["secret"] in page


def test_the_help_names_every_type(alice_client: Client) -> None:
    page = text_of(alice_client, "/help/webhooks/")
    for each in EventType:
        assert each.value in page

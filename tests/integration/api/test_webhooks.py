"""Webhooks over the API: administrators with the scope, secrets once, deliveries that can be resent."""

import pytest

from config.platform.accounts.models import User
from config.platform.events import rounds
from config.platform.events.models import Delivery, Webhook
from tests.integration.events.conftest import happen
from tests.support.api import client_of
from tests.support.event_receiver import Receiver, event_receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("enqueued")]


def body_of(receiver: Receiver, **values: object) -> dict[str, object]:
    return {"address": receiver.url, "event_types": ["run.completed"], **values}


def test_a_webhook_is_created_changed_and_deleted(alice: User) -> None:
    client = client_of(alice)
    with event_receiver() as receiver:
        created = client.post("webhooks", body_of(receiver, export_id=7))
        assert created.status_code == 201
        made = created.json()
        assert made["secret"].startswith("whsec_")
        (shown,) = client.get("webhooks").json()["items"]
        assert shown == {name: value for name, value in made.items() if name != "secret"}
        changed = client.put(f"webhooks/{made['id']}", body_of(receiver, version=0, is_enabled=False)).json()
        assert (changed["version"], changed["is_enabled"], changed["export_id"]) == (1, False, None)
        stale = client.put(f"webhooks/{made['id']}", body_of(receiver, version=0))
        assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
        whole = client.put(f"webhooks/{made['id']}", body_of(receiver, version=1.0))
        assert whole.status_code == 200  # a whole number by JSON Schema
    assert client.delete(f"webhooks/{made['id']}").status_code == 204
    assert not Webhook.objects.exists()


def test_an_internal_address_and_two_scopes_are_refused(alice: User) -> None:
    client = client_of(alice)
    body = {"address": "https://127.0.0.1/x", "event_types": ["run.failed"]}
    refused = client.post("webhooks", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "address_refused")
    with event_receiver() as receiver:
        both = client.post("webhooks", body_of(receiver, export_id=1, connection_id=1))
    assert (both.status_code, both.json()["code"]) == (409, "two_scopes")
    assert client.post("webhooks", {**body, "event_types": ["run.exploded"]}).status_code == 422
    assert not Webhook.objects.exists()


def test_deliveries_are_listed_and_resent(alice: User) -> None:
    client = client_of(alice)
    with event_receiver() as receiver:
        webhook_id = client.post("webhooks", body_of(receiver)).json()["id"]
        happen()
        rounds.deliver_due(0.2)
        (delivery,) = client.get(f"webhooks/{webhook_id}/deliveries", {"status": "successful"}).json()["items"]
        assert (delivery["http_status"], delivery["attempts"]) == (200, 1)
        assert delivery["data"] == {"number": 1}
        again = client.post(f"deliveries/{delivery['id']}/resend")
        assert (again.status_code, again.json()["status"]) == (202, "queued")
        rounds.deliver_due(0.2)
        assert receiver.ids == [delivery["event_id"]] * 2
        Webhook.objects.update(is_enabled=False)
        refused = client.post(f"deliveries/{Delivery.objects.get().pk}/resend")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_resent")


@pytest.mark.parametrize("who", ["bob", "charlie", "alice without the scope"])
def test_others_manage_none(request: pytest.FixtureRequest, who: str) -> None:
    user: User = request.getfixturevalue(who.split(maxsplit=1)[0])
    client = client_of(user, scopes=["read", "audit"]) if " " in who else client_of(user)
    for answer in (client.get("webhooks"), client.delete("webhooks/1"), client.get("webhooks/1/deliveries")):
        assert answer.status_code == 403

"""The sandbox calls the webhooks of a list over HTTP, in the shapes that the vendor documents."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.sandbox import RunningSandbox
from tests.support.webhook_receiver import WebhookReceiver, receiving

ANN, BEN = "ann@example.com", "ben@example.com"
ALL = ("Subscribe", "Update", "Deactivate")


@pytest.fixture
def receiver(sandbox: RunningSandbox) -> Iterator[WebhookReceiver]:
    with receiving() as found:
        yield found


def register(sandbox: RunningSandbox, receiver: WebhookReceiver, *events: str) -> str:
    body = {"Events": list(events or ALL), "Url": receiver.url, "PayloadFormat": "json"}
    answer = sandbox.api("POST", f"/lists/{sandbox.list_id}/webhooks.json", json=body)
    assert answer.status_code == 201
    return str(answer.json())


def kinds(receiver: WebhookReceiver) -> list[tuple[str, str]]:
    return [(event["Type"], event["EmailAddress"]) for event in receiver.events]


def test_an_import_subscribes_new_and_updates_known_subscribers(
    sandbox: RunningSandbox, receiver: WebhookReceiver
) -> None:
    sandbox.import_people([{"EmailAddress": ANN}])
    register(sandbox, receiver)
    sandbox.import_people([{"EmailAddress": ANN, "Name": "Ann"}, {"EmailAddress": BEN}])
    receiver.wait_for(1)
    assert kinds(receiver) == [("Update", ANN), ("Subscribe", BEN)]
    assert receiver.calls[0]["ListID"] == sandbox.list_id
    update, subscribe = receiver.events
    assert set(update) == {*("Type", "Date", "EmailAddress", "OldEmailAddress", "Name", "State", "CustomFields")}
    assert set(subscribe) == {"Type", "Date", "EmailAddress", "Name", "SignupIPAddress", "CustomFields"}


def test_values_have_the_names_of_their_fields(sandbox: RunningSandbox, receiver: WebhookReceiver) -> None:
    register(sandbox, receiver, "Subscribe")
    row = {"EmailAddress": ANN, "CustomFields": [{"Key": "[City]", "Value": "Turku"}]}
    sandbox.import_people([row])
    receiver.wait_for(1)
    assert receiver.events[0]["CustomFields"] == [{"Key": "City", "Value": "Turku"}]


@pytest.mark.parametrize("state", ["Unsubscribed", "Bounced", "Deleted"])
def test_who_leaves_is_deactivated(sandbox: RunningSandbox, receiver: WebhookReceiver, state: str) -> None:
    sandbox.import_people([{"EmailAddress": ANN}])
    register(sandbox, receiver, "Deactivate")
    sandbox.set_state([ANN], state)
    sandbox.set_state([ANN], state)  # no change
    receiver.wait_for(1)
    assert [(event["Type"], event["State"]) for event in receiver.events] == [("Deactivate", state)]


def test_calls_of_the_api_deactivate_too(sandbox: RunningSandbox, receiver: WebhookReceiver) -> None:
    sandbox.import_people([{"EmailAddress": ANN}, {"EmailAddress": BEN}])
    register(sandbox, receiver, "Deactivate")
    sandbox.api("POST", f"/subscribers/{sandbox.list_id}/unsubscribe.json", json={"EmailAddress": ANN})
    sandbox.api("DELETE", f"/subscribers/{sandbox.list_id}.json", params={"email": BEN})
    receiver.wait_for(2)
    assert [event["State"] for event in receiver.events] == ["Unsubscribed", "Deleted"]


def test_many_events_come_in_calls_of_a_thousand(sandbox: RunningSandbox, receiver: WebhookReceiver) -> None:
    register(sandbox, receiver, "Deactivate")
    sandbox.set_state([f"p{number}@example.com" for number in range(1_500)], "Deleted")
    receiver.wait_for(2)
    assert [len(call["Events"]) for call in receiver.calls] == [1_000, 500]


def test_a_call_that_fails_is_repeated(sandbox: RunningSandbox, receiver: WebhookReceiver) -> None:
    register(sandbox, receiver)
    receiver.answers = [500]
    sandbox.import_people([{"EmailAddress": ANN}])
    receiver.wait_for(2)
    assert receiver.calls[0] == receiver.calls[1]


def test_a_webhook_that_is_off_or_deleted_is_not_called(
    sandbox: RunningSandbox, receiver: WebhookReceiver
) -> None:
    webhook_id = register(sandbox, receiver)
    path = f"/lists/{sandbox.list_id}/webhooks/{webhook_id}"
    sandbox.api("PUT", f"{path}/deactivate.json")
    sandbox.import_people([{"EmailAddress": ANN}])
    sandbox.api("PUT", f"{path}/activate.json")
    sandbox.api("DELETE", f"{path}.json")
    sandbox.import_people([{"EmailAddress": BEN}])
    register(sandbox, receiver, "Deactivate")
    sandbox.set_state([BEN], "Bounced")
    receiver.wait_for(1)
    assert kinds(receiver) == [("Deactivate", BEN)]


def test_its_test_calls_with_a_sample_of_each_event(sandbox: RunningSandbox, receiver: WebhookReceiver) -> None:
    webhook_id = register(sandbox, receiver)
    path = f"/lists/{sandbox.list_id}/webhooks/{webhook_id}/test.json"
    assert sandbox.api("GET", path).status_code == 200
    assert [event["Type"] for event in receiver.events] == list(ALL)
    receiver.answers = [404]
    refused = sandbox.api("GET", path)
    assert (refused.status_code, refused.json()["ResultData"]["FailureResponseCode"]) == (400, "404")


@pytest.mark.parametrize(("faults", "calls"), [({"lost": True}, 0), ({"times": 3}, 3), ({"late_seconds": 0.3}, 1)])
def test_calls_get_lost_come_twice_and_come_late(
    sandbox: RunningSandbox, receiver: WebhookReceiver, faults: dict[str, Any], calls: int
) -> None:
    register(sandbox, receiver)
    sandbox.door("PUT", "webhooks", json=faults)
    sandbox.import_people([{"EmailAddress": ANN}])
    sandbox.door("PUT", "webhooks", json={})
    sandbox.import_people([{"EmailAddress": BEN}])
    receiver.wait_for(calls + 1)
    assert kinds(receiver) == [("Subscribe", ANN)] * calls + [("Subscribe", BEN)]

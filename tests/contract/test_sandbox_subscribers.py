"""One person at a time, through the official client."""

from typing import Any

import pytest

from tests.contract.official import createsend
from tests.support.sandbox import RunningSandbox


@pytest.fixture
def subscriber(sandbox: RunningSandbox, official: Any, key: dict[str, str]) -> Any:
    return official.Subscriber(key, sandbox.list_id, "a+b@example.com")


def add(subscriber: Any, email: str = "a+b@example.com", **more: Any) -> Any:
    options = {"name": "Alice", "custom_fields": [], "resubscribe": False, "consent_to_track": "yes"} | more
    return subscriber.add(subscriber.list_id, email, **options)


def code(refusal: Any) -> int:
    return int(refusal.value.data.Code)


def test_adding_answers_the_address(subscriber: Any) -> None:
    assert add(subscriber, custom_fields=[{"Key": "[City]", "Value": "Oslo"}]) == "a+b@example.com"

    record = subscriber.get(include_tracking_preference=True)
    assert (record.EmailAddress, record.Name, record.State) == ("a+b@example.com", "Alice", "Active")
    assert [(each.Key, each.Value) for each in record.CustomFields] == [("City", "Oslo")]
    assert record.ConsentToTrack == "Yes"
    assert record.ListJoinedDate == record.Date


def test_adding_again_is_an_update(sandbox: RunningSandbox, subscriber: Any) -> None:
    add(subscriber, custom_fields=[{"Key": "[City]", "Value": "Oslo"}])
    add(subscriber, email="A+B@Example.com", name="Alicia")

    assert subscriber.get().Name == "Alicia"
    assert subscriber.get().CustomFields[0].Value == "Oslo"
    assert sandbox.counts()["Active"] == 1


@pytest.mark.parametrize(
    ("state", "expected"), [("Deleted", 205), ("Unsubscribed", 206), ("Bounced", 207), ("Unconfirmed", 208)]
)
def test_adding_is_refused_by_state(sandbox: RunningSandbox, subscriber: Any, state: str, expected: int) -> None:
    sandbox.set_state(["a+b@example.com"], state)

    with pytest.raises(createsend.BadRequest) as refusal:
        add(subscriber)
    assert code(refusal) == expected


def test_adding_with_resubscribe_brings_back_without_lifting_the_suppression(
    sandbox: RunningSandbox, subscriber: Any, key: dict[str, str]
) -> None:
    add(subscriber)
    subscriber.unsubscribe()
    add(subscriber, resubscribe=True)

    assert subscriber.get().State == "Active"
    client = createsend.Client(key, sandbox.client_id)
    assert [each.EmailAddress for each in client.suppressionlist().Results] == ["a+b@example.com"]
    with pytest.raises(createsend.BadRequest) as refusal:
        add(subscriber)
    assert code(refusal) == 204


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "ä@example.com", "a b@example.com", "a@example..com"])
def test_adding_refuses_what_is_no_address(subscriber: Any, email: str) -> None:
    with pytest.raises(createsend.BadRequest) as refusal:
        add(subscriber, email=email)
    assert code(refusal) == 1


def test_adding_needs_consent(sandbox: RunningSandbox) -> None:
    path, body = f"/subscribers/{sandbox.list_id}.json", {"EmailAddress": "a@example.com"}

    assert sandbox.api("POST", path, json=body).json()["Code"] == 214
    assert sandbox.api("POST", path, json=body | {"ConsentToTrack": "perhaps"}).json()["Code"] == 215
    assert sandbox.api("POST", path, json=body, version="v3.1").status_code == 201


def test_fields_that_are_no_array_refuse_the_request(sandbox: RunningSandbox) -> None:
    body = {"EmailAddress": "a@example.com", "ConsentToTrack": "Yes", "CustomFields": {"City": "Oslo"}}
    answer = sandbox.api("POST", f"/subscribers/{sandbox.list_id}.json", json=body)

    assert (answer.status_code, answer.json()["Code"]) == (400, 400)
    assert "subscriber" in answer.json()["Message"]


def test_updating_changes_the_address(sandbox: RunningSandbox, subscriber: Any) -> None:
    add(subscriber)
    subscriber.update("new@example.com", "Alicia", [{"Key": "City", "Value": "Bergen"}], False, "no")

    record = subscriber.get(include_tracking_preference=True)
    assert (record.EmailAddress, record.Name, record.ConsentToTrack) == ("new@example.com", "Alicia", "No")
    assert [each["EmailAddress"] for each in sandbox.people()] == ["new@example.com"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("nobody@example.com", "new@example.com", 203),
        ("not an address", "new@example.com", 1),
        ("a+b@example.com", "not an address", 211),
        ("a+b@example.com", "taken@example.com", 201),
    ],
)
def test_updating_never_creates(subscriber: Any, old: str, new: str, expected: int) -> None:
    add(subscriber)
    add(subscriber, email="taken@example.com")
    subscriber.email_address = old

    with pytest.raises(createsend.BadRequest) as refusal:
        subscriber.update(new, "Alice", [], False, "Unchanged")
    assert code(refusal) == expected


def test_updating_leaves_the_state(sandbox: RunningSandbox, subscriber: Any) -> None:
    add(subscriber)
    subscriber.delete()
    subscriber.update("a+b@example.com", "Alicia", [], False, "Unchanged")
    assert subscriber.get().State == "Deleted"

    subscriber.update("a+b@example.com", "Alicia", [], True, "Unchanged")
    assert subscriber.get().State == "Active"


def test_an_address_that_is_not_on_the_list_is_203(subscriber: Any) -> None:
    for call in (subscriber.get, subscriber.history, subscriber.unsubscribe, subscriber.delete):
        with pytest.raises(createsend.BadRequest) as refusal:
            call()
        assert code(refusal) == 203


def test_history_is_empty_since_the_sandbox_mails_no_one(subscriber: Any) -> None:
    add(subscriber)

    assert subscriber.history() == []


def test_deleting_keeps_the_record_and_suppresses_no_subscriber(
    sandbox: RunningSandbox, subscriber: Any, key: dict[str, str]
) -> None:
    add(subscriber)
    subscriber.delete()

    assert subscriber.get().State == "Deleted"
    assert createsend.Client(key, sandbox.client_id).suppressionlist().TotalNumberOfRecords == 0


def test_unsubscribing_leaves_all_lists_that_are_set_up_so(
    sandbox: RunningSandbox, subscriber: Any, key: dict[str, str]
) -> None:
    shared, alone = sandbox.create_list("Shared"), sandbox.create_list("Alone", scope="OnlyThisList")
    for list_id in (sandbox.list_id, shared, alone):
        sandbox.import_people([{"EmailAddress": "a+b@example.com"}], list_id)
    subscriber.unsubscribe()

    assert [sandbox.counts(each)["Unsubscribed"] for each in (sandbox.list_id, shared, alone)] == [1, 1, 0]
    suppressed = createsend.Client(key, sandbox.client_id).suppressionlist().Results
    assert [(each.EmailAddress, each.SuppressionReason) for each in suppressed] == [
        ("a+b@example.com", "Unsubscribed")
    ]


def test_unsubscribing_from_one_list_stays_there(
    sandbox: RunningSandbox, subscriber: Any, key: dict[str, str]
) -> None:
    alone = sandbox.create_list("Alone", scope="OnlyThisList")
    for list_id in (sandbox.list_id, alone):
        sandbox.import_people([{"EmailAddress": "a+b@example.com"}], list_id)
    createsend.Subscriber(key, alone, "a+b@example.com").unsubscribe()

    assert (sandbox.counts(alone)["Unsubscribed"], sandbox.counts()["Unsubscribed"]) == (1, 0)
    assert createsend.Client(key, sandbox.client_id).suppressionlist().TotalNumberOfRecords == 0


def test_consent_belongs_to_the_address_within_the_client(sandbox: RunningSandbox) -> None:
    other = sandbox.create_list("Other")
    row = {"EmailAddress": "a@example.com"}
    sandbox.import_people([row | {"ConsentToTrack": "No"}])
    sandbox.import_people([row | {"ConsentToTrack": "Unchanged"}], other)
    assert sandbox.people(other)[0]["ConsentToTrack"] == "No"

    sandbox.import_people([row | {"ConsentToTrack": "Yes"}], other)
    assert sandbox.people()[0]["ConsentToTrack"] == "Yes"


def test_unchanged_consent_of_a_stranger_is_unknown(sandbox: RunningSandbox) -> None:
    sandbox.import_people([{"EmailAddress": "a@example.com", "ConsentToTrack": "Unchanged"}])

    assert sandbox.people()[0]["ConsentToTrack"] == ""


def test_mobile_numbers_are_kept_changed_and_cleared(sandbox: RunningSandbox, subscriber: Any) -> None:
    add(subscriber, mobile_number="+358401234567", consent_to_track_sms="Yes")
    asked = {"email": "a+b@example.com", "includesmspreference": "True"}
    path = f"/subscribers/{sandbox.list_id}.json"
    record = sandbox.api("GET", path, params=asked).json()
    assert (record["MobileNumber"], record["ConsentToSendSms"]) == ("+358401234567", "Yes")

    sandbox.import_people([{"EmailAddress": "a+b@example.com"}])
    assert "MobileNumber" in sandbox.api("GET", path, params=asked).json()
    sandbox.import_people([{"EmailAddress": "a+b@example.com", "MobileNumber": ""}])
    assert "MobileNumber" not in sandbox.api("GET", path, params=asked).json()


def test_an_absent_name_stays_and_an_empty_one_overwrites(sandbox: RunningSandbox) -> None:
    sandbox.import_people([{"EmailAddress": "a@example.com", "Name": "Alice"}])
    sandbox.import_people([{"EmailAddress": "a@example.com"}, {"EmailAddress": "a@example.com", "Name": None}])
    assert sandbox.people()[0]["Name"] == "Alice"

    sandbox.import_people([{"EmailAddress": "a@example.com", "Name": ""}])
    assert sandbox.people()[0]["Name"] == ""

"""Import over a real socket, through the official client."""

from typing import Any

import pytest

from tests.contract.official import createsend
from tests.support.sandbox import RunningSandbox


@pytest.fixture
def subscriber(official: Any, key: dict[str, str]) -> Any:
    return official.Subscriber(key)


def person(email: str, **more: Any) -> dict[str, Any]:
    return {"EmailAddress": email, "Name": email.partition("@")[0].title(), "ConsentToTrack": "Yes", **more}


def test_it_takes_new_people(sandbox: RunningSandbox, subscriber: Any) -> None:
    result = subscriber.import_subscribers(
        sandbox.list_id, [person("a@example.com"), person("b@example.com")], False
    )

    assert result.TotalUniqueEmailsSubmitted == 2
    assert result.TotalNewSubscribers == 2
    assert result.TotalExistingSubscribers == 0
    assert result.DuplicateEmailsInSubmission == []
    assert result.FailureDetails == []


def test_it_recognises_existing_people_in_any_case(sandbox: RunningSandbox, subscriber: Any) -> None:
    subscriber.import_subscribers(sandbox.list_id, [person("a@example.com")], False)
    result = subscriber.import_subscribers(sandbox.list_id, [person(" A@Example.com ")], False)

    assert (result.TotalNewSubscribers, result.TotalExistingSubscribers) == (0, 1)
    assert sandbox.received()["a@example.com"] == 2


def test_it_reports_failures_and_takes_the_rest(sandbox: RunningSandbox, subscriber: Any) -> None:
    rows = [person("a@example.com"), person("not an address"), person("ünïcode@example.com")]
    result = subscriber.import_subscribers(sandbox.list_id, rows, False)

    assert result.TotalUniqueEmailsSubmitted == 3
    assert result.TotalNewSubscribers == 1
    assert [(each.EmailAddress, each.Code) for each in result.FailureDetails] == [
        ("not an address", 1),
        ("ünïcode@example.com", 1),
    ]
    assert [each["EmailAddress"] for each in sandbox.people()] == ["a@example.com"]


def test_a_partial_failure_is_status_400_with_code_210(sandbox: RunningSandbox) -> None:
    body = {"Subscribers": [person("a@example.com"), person("bad")]}
    answer = sandbox.api("POST", f"/subscribers/{sandbox.list_id}/import.json", json=body)

    assert answer.status_code == 400
    assert answer.json()["Code"] == 210
    assert set(answer.json()["ResultData"]) == {
        "TotalUniqueEmailsSubmitted",
        "TotalExistingSubscribers",
        "TotalNewSubscribers",
        "DuplicateEmailsInSubmission",
        "FailureDetails",
    }


def test_it_counts_a_repeated_address_once(sandbox: RunningSandbox, subscriber: Any) -> None:
    rows = [person("a@example.com", Name="First"), person("A@EXAMPLE.com", Name="Last"), person("a@example.com")]
    result = subscriber.import_subscribers(sandbox.list_id, rows, False)

    assert result.TotalUniqueEmailsSubmitted == 1
    assert result.TotalNewSubscribers == 1
    assert result.DuplicateEmailsInSubmission == ["A@EXAMPLE.com"]


@pytest.mark.parametrize(
    ("state", "code"), [("Deleted", 205), ("Unsubscribed", 206), ("Bounced", 207), ("Unconfirmed", 208)]
)
def test_it_leaves_people_in_their_state(sandbox: RunningSandbox, subscriber: Any, state: str, code: int) -> None:
    sandbox.set_state(["a@example.com"], state)
    result = subscriber.import_subscribers(sandbox.list_id, [person("a@example.com")], False)

    assert [each.Code for each in result.FailureDetails] == [code]
    assert sandbox.counts()[state] == 1


@pytest.mark.parametrize("state", ["Deleted", "Unsubscribed", "Bounced", "Unconfirmed", "Suppressed"])
def test_resubscribe_brings_everybody_back(sandbox: RunningSandbox, subscriber: Any, state: str) -> None:
    sandbox.set_state(["a@example.com"], state)
    result = subscriber.import_subscribers(sandbox.list_id, [person("a@example.com")], True)

    assert result.TotalExistingSubscribers == 1
    assert sandbox.counts()["Active"] == 1


def test_it_refuses_the_suppressed_where_the_list_minds(sandbox: RunningSandbox, subscriber: Any) -> None:
    careless = sandbox.create_list("Careless", scope="OnlyThisList")
    for list_id in (sandbox.list_id, careless):
        sandbox.import_people([person("a@example.com")], list_id)
    sandbox.set_state(["a@example.com"], "Suppressed")

    minded = subscriber.import_subscribers(sandbox.list_id, [person("a@example.com")], False)
    assert [each.Code for each in minded.FailureDetails] == [204]
    disregarded = subscriber.import_subscribers(careless, [person("a@example.com")], False)
    assert disregarded.TotalExistingSubscribers == 1


def test_a_suppressed_address_that_was_never_on_the_list_is_taken(sandbox: RunningSandbox) -> None:
    sandbox.api("POST", f"/clients/{sandbox.client_id}/suppress.json", json={"EmailAddresses": ["a@example.com"]})

    assert sandbox.import_people([person("a@example.com")])["TotalNewSubscribers"] == 1


def test_people_of_a_confirmed_list_wait_for_their_click(sandbox: RunningSandbox, subscriber: Any) -> None:
    club = sandbox.create_list("VIP club", confirmed=True)
    result = subscriber.import_subscribers(club, [person("a@example.com")], False)
    assert result.TotalNewSubscribers == 1
    assert sandbox.counts(club)["Unconfirmed"] == 1

    again = subscriber.import_subscribers(club, [person("a@example.com")], False)
    assert [each.Code for each in again.FailureDetails] == [208]
    assert createsend.List(subscriber.auth_details, club).unconfirmed().TotalNumberOfRecords == 1


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], 212),
        (None, 212),
        ([{"EmailAddress": f"p{i}@example.com", "ConsentToTrack": "Yes"} for i in range(1001)], 209),
        ([{"EmailAddress": "a@example.com"}], 214),
        ([{"EmailAddress": "a@example.com", "ConsentToTrack": ""}], 214),
        ([{"EmailAddress": "a@example.com", "ConsentToTrack": "maybe"}], 215),
        ([{"EmailAddress": "a@example.com", "ConsentToTrack": True}], 400),
        ([{"EmailAddress": "a@example.com", "ConsentToTrack": "true"}], 400),
        ([{"EmailAddress": "a@example.com", "ConsentToTrack": ["Yes"]}], 400),
        ([{"EmailAddress": {"a": 1}, "ConsentToTrack": "Yes"}], 400),
        ([{"EmailAddress": "a@example.com", "ConsentToTrack": "Yes", "CustomFields": {"City": "Oslo"}}], 400),
        ([{"EmailAddress": "a@example.com", "ConsentToTrack": "Yes", "CustomFields": ["Oslo"]}], 400),
        (["a@example.com"], 400),
        ({"EmailAddress": "a@example.com"}, 400),
    ],
)
def test_it_refuses_a_whole_batch(sandbox: RunningSandbox, subscriber: Any, rows: Any, code: int) -> None:
    with pytest.raises(createsend.BadRequest) as refusal:
        subscriber.import_subscribers(sandbox.list_id, rows, False)

    assert refusal.value.data.Code == code
    assert sandbox.counts()["Active"] == 0


def test_it_takes_exactly_a_thousand(sandbox: RunningSandbox, subscriber: Any) -> None:
    rows = [person(f"p{number}@example.com") for number in range(1000)]

    assert subscriber.import_subscribers(sandbox.list_id, rows, False).TotalNewSubscribers == 1000


@pytest.mark.parametrize("version", ["v3", "v3.1"])
def test_consent_is_not_required_of_old_callers(sandbox: RunningSandbox, version: str) -> None:
    body = {"Subscribers": [{"EmailAddress": "a@example.com"}]}
    path = f"/subscribers/{sandbox.list_id}/import.json"

    assert sandbox.api("POST", path, json=body, version=version).status_code == 201
    assert sandbox.api("POST", path, json=body, version="v3.2").json()["Code"] == 214


def test_it_binds_names_in_any_case_and_both_spellings_of_the_flag(sandbox: RunningSandbox) -> None:
    body = {
        "subscribers": [
            {"emailaddress": "a@example.com", "consenttotrack": "yes", "customFields": [{"key": "City"}]}
        ],
        "QueueSubscriptionBasedAutoResponders": False,
        "QueueSubscriptionBasedAutoresponders": False,
    }
    answer = sandbox.api("POST", f"/subscribers/{sandbox.list_id}/import.json", json=body)

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("email", "mobile", "code"),
    [("a@example.com", "0401234567", 220), ("bad", "0401234567", 221), ("bad", "+358401234567", 1)],
)
def test_it_refuses_bad_mobile_numbers(sandbox: RunningSandbox, email: str, mobile: str, code: int) -> None:
    result = sandbox.import_people([person(email, MobileNumber=mobile)])

    assert [each["Code"] for each in result["FailureDetails"]] == [code]

"""What Campaign Monitor holds beside what every destination has to (test_destination.py)."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from pytest_django import Settings

from connections import destinations
from connections.destinations.base import Destination
from connections.destinations.errors import (
    BatchRefused,
    DestinationError,
    NeedsAdministrator,
    PermanentError,
    TryLater,
)
from connections.destinations.values import (
    Access,
    BatchReceipt,
    CheckStep,
    FieldMapping,
    Incomplete,
    ListDetails,
    RefusalKind,
    SendSettings,
)
from tests.support.sandbox import RunningSandbox


@pytest.fixture
def destination(sandbox: RunningSandbox, settings: Settings) -> Destination:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return destinations.get("campaign_monitor")


@pytest.fixture
def access(destination: Destination, sandbox: RunningSandbox) -> Access:
    return Access(destination.sandbox_url, {"api_key": sandbox.api_key})


@pytest.fixture
def client_access(destination: Destination, sandbox: RunningSandbox) -> Access:
    options = {"client_id": sandbox.client_id}
    return Access(destination.sandbox_url, {"api_key": sandbox.client_api_key}, options)


def settings_for(details: ListDetails, *keys: str, consent: str = "unchanged", **answers: str) -> SendSettings:
    mapping = [FieldMapping(key, key) for key in keys]
    return SendSettings(details.list_id, mapping, {"consent_to_track": consent, **answers}, details.fields)


def send(
    destination: Destination, access: Access, settings: SendSettings, people: Sequence[tuple[str, list[Any]]]
) -> BatchReceipt:
    prepare = destination.preparer(settings)
    payloads = [prepare(email, values) for email, values in people]
    assert all(isinstance(payload, str) for payload in payloads)
    with destination.open_sender(access) as sender:
        return sender.send([str(payload) for payload in payloads], settings)


def told(steps: Sequence[CheckStep]) -> list[bool | None]:
    return [step.ok for step in steps]


# -- check -----------------------------------------------------------------------------------------------------


def test_its_check_succeeds_and_learns(destination: Destination, access: Access) -> None:
    steps = destination.check(access)
    assert told(steps) == [True] * len(steps)
    assert {name: value for step in steps for name, value in step.learned.items()}["key_kind"] == "account"


def test_its_check_says_that_a_key_is_wrong(destination: Destination, access: Access) -> None:
    steps = destination.check(Access(access.base_url, {"api_key": "nonsense"}))
    assert told(steps) == [True, False, None, None]
    assert steps[1].detail


def test_its_check_says_that_it_is_unreachable(destination: Destination, access: Access) -> None:
    steps = destination.check(Access("http://127.0.0.1:9", access.credentials))
    assert told(steps) == [False, None, None, None]


def test_its_check_asks_for_what_a_smaller_key_needs(destination: Destination, client_access: Access) -> None:
    bare = Access(client_access.base_url, client_access.credentials)
    asked = [step.asks_for for step in destination.check(bare) if step.asks_for]
    assert asked == ["client_id"]
    assert all(told(destination.check(client_access)))


# -- lists -----------------------------------------------------------------------------------------------------


def test_it_names_lists_with_their_group(
    destination: Destination, access: Access, client_access: Access, sandbox: RunningSandbox
) -> None:
    for given in (access, client_access):
        (found,) = destination.lists(given)
        assert (found.list_id, found.title, found.group_id) == (sandbox.list_id, "Newsletter", sandbox.client_id)


def test_it_tells_all_of_a_list(destination: Destination, access: Access, sandbox: RunningSandbox) -> None:
    fields = [("City", "Text"), ("Points", "Number"), ("Land", "Country")]
    list_id = sandbox.create_list("Careful", confirmed=True, scope="OnlyThisList", fields=fields)
    details = destination.list_details(access, list_id)
    assert (details.title, details.opt_in, details.unsubscribe_scope) == ("Careful", "confirmed", "this_list")
    assert (details.group_id, details.active_people) == (sandbox.client_id, 0)
    kinds = {field.key: field.data_type for field in details.fields}
    assert kinds == {
        "name": "text",
        "mobile_number": "mobile",
        "[City]": "text",
        "[Points]": "number",
        "[Land]": "country",
    }
    assert "Finland" in next(field.options for field in details.fields if field.key == "[Land]")


@pytest.mark.parametrize("list_id", ["f" * 32, "", "not a list", "../clients"])
def test_it_stops_at_a_list_that_is_not_there(destination: Destination, access: Access, list_id: str) -> None:
    with pytest.raises(PermanentError):
        destination.list_details(access, list_id)


# -- send ------------------------------------------------------------------------------------------------------


def test_it_sends_people_with_their_fields(
    destination: Destination, access: Access, sandbox: RunningSandbox
) -> None:
    list_id = sandbox.create_list("Shop", fields=[("City", "Text"), ("Born", "Date"), ("Points", "Number")])
    settings = settings_for(destination.list_details(access, list_id), "name", "[City]", "[Born]", "[Points]")
    people: list[tuple[str, list[Any]]] = [
        ("zoe+tag@example.com", ["Zoë “Z” Ö", "Kraków", "1990-05-31", 12.5]),
        ("li@example.com", ["李雷", None, None, None]),
    ]
    receipt = send(destination, access, settings, people)
    assert (receipt.new, receipt.existing, receipt.unaccounted, list(receipt.refusals)) == (2, 0, 0, [])
    li, zoe = sandbox.people(list_id)
    assert (li["EmailAddress"], li["Name"], li["CustomFields"]) == ("li@example.com", "李雷", [])
    assert {entry["Key"]: entry["Value"] for entry in zoe["CustomFields"]} == {
        "City": "Kraków",
        "Born": "1990-05-31",
        "Points": "12.5",
    }


def test_what_is_left_out_stays_as_it_was(
    destination: Destination, access: Access, sandbox: RunningSandbox
) -> None:
    details = destination.list_details(access, sandbox.list_id)
    send(destination, access, settings_for(details, "name"), [("a@example.com", ["Ann"])])
    receipt = send(destination, access, settings_for(details, "name"), [("a@example.com", [None])])
    assert (receipt.new, receipt.existing) == (0, 1)
    assert [person["Name"] for person in sandbox.people()] == ["Ann"]


@pytest.mark.parametrize(("consent", "kept"), [("yes", "Yes"), ("no", "No")])
def test_it_sends_the_chosen_consent(
    destination: Destination, access: Access, sandbox: RunningSandbox, consent: str, kept: str
) -> None:
    settings = settings_for(destination.list_details(access, sandbox.list_id), consent=consent)
    send(destination, access, settings, [("a@example.com", [])])
    assert [person["ConsentToTrack"] for person in sandbox.people()] == [kept]


def test_an_attribute_says_who_consents(destination: Destination, access: Access, sandbox: RunningSandbox) -> None:
    details = destination.list_details(access, sandbox.list_id)
    settings = settings_for(details, consent="attribute:tracking")
    send(destination, access, settings, [("a@example.com", [True]), ("b@example.com", [False])])
    assert [person["ConsentToTrack"] for person in sandbox.people()] == ["Yes", "No"]


def test_it_sends_mobile_numbers_with_consent_to_text_messages(
    destination: Destination, access: Access, sandbox: RunningSandbox
) -> None:
    details = destination.list_details(access, sandbox.list_id)
    settings = settings_for(details, "mobile_number", consent_to_send_sms="no", blanks="clear")
    people: list[tuple[str, list[Any]]] = [("a@example.com", ["+447700900123"]), ("b@example.com", [None])]
    send(destination, access, settings, people)
    with_number, without = sandbox.people()
    assert (with_number["MobileNumber"], with_number["ConsentToSendSms"]) == ("+447700900123", "No")
    assert "MobileNumber" not in without
    send(destination, access, settings, [("a@example.com", [""])])
    assert "MobileNumber" not in sandbox.people()[0]


# Each data type with a value that fits and one that does not.
_VALUES: list[tuple[str, str, list[str], Any, list[str], Any]] = [
    ("Town", "Text", [], "Łódź", ["Łódź"], "x" * 251),
    ("Size", "Number", [], 12.5, ["12.5"], "large"),
    ("Tier", "MultiSelectOne", ["Gold", "Silver"], "gold", ["Gold"], "Bronze"),
    ("Likes", "MultiSelectMany", ["Tea", "Milk", "Rum"], "Milk; tea", ["Milk", "Tea"], "Tea;Beer"),
    ("Born", "Date", [], "1990-05-31", ["1990-05-31"], "2090-01-01"),
    ("Land", "Country", [], "finland", ["Finland"], "Atlantis"),
    ("Home", "USState", [], "OH", ["Ohio"], "Ontario"),
]


@pytest.mark.parametrize(("name", "data_type", "options", "value", "kept", "wrong"), _VALUES)
def test_every_data_type_arrives_is_checked_and_is_cleared(
    destination: Destination,
    access: Access,
    sandbox: RunningSandbox,
    name: str,
    data_type: str,
    options: list[str],
    value: Any,
    kept: list[str],
    wrong: Any,
) -> None:
    list_id = sandbox.create_list("Shop", fields=[(name, data_type, options)])
    details = destination.list_details(access, list_id)

    def arrived(settings: SendSettings, *values: Any) -> list[str]:
        send(destination, access, settings, [("a@example.com", list(values))])
        (person,) = sandbox.people(list_id)
        return sorted(entry["Value"] for entry in person["CustomFields"])

    keeping, clearing = (settings_for(details, f"[{name}]", blanks=blanks) for blanks in ("keep", "clear"))
    assert arrived(keeping, value) == sorted(kept)
    assert arrived(keeping, None) == sorted(kept)
    assert arrived(clearing, None) == []
    refused = destination.preparer(keeping)("a@example.com", [wrong])
    assert isinstance(refused, Incomplete)
    assert refused.left_out[0].message.endswith(".")


def test_options_that_a_person_no_longer_has_go_where_blanks_are_cleared(
    destination: Destination, access: Access, sandbox: RunningSandbox
) -> None:
    list_id = sandbox.create_list("Shop", fields=[("Likes", "MultiSelectMany", ["Tea", "Milk", "Rum"])])
    settings = settings_for(destination.list_details(access, list_id), "[Likes]", blanks="clear")
    for value in ("Tea;Milk", "Milk;Rum"):
        send(destination, access, settings, [("a@example.com", [value])])
    (person,) = sandbox.people(list_id)
    assert [entry["Value"] for entry in person["CustomFields"]] == ["Milk", "Rum"]


def test_automations_start_only_where_that_was_chosen(
    destination: Destination, access: Access, sandbox: RunningSandbox
) -> None:
    details = destination.list_details(access, sandbox.list_id)
    send(destination, access, settings_for(details), [("a@example.com", [])])
    send(destination, access, settings_for(details, automations="new"), [("b@example.com", [])])
    assert sandbox.arrivals() == {
        "a@example.com": ["import"],
        "b@example.com": ["import, starting automations"],
    }


def test_everyone_who_was_not_taken_is_named(
    destination: Destination, access: Access, sandbox: RunningSandbox
) -> None:
    states = ["Unsubscribed", "Bounced", "Deleted"]
    sandbox.import_people([{"EmailAddress": f"{state}@example.com"} for state in states])
    for state in states:
        sandbox.set_state([f"{state}@example.com"], state)
    settings = settings_for(destination.list_details(access, sandbox.list_id))
    emails = [*(f"{state.lower()}@example.com" for state in states), "bad address", "good@example.com"]
    receipt = send(destination, access, settings, [(email, []) for email in emails])
    kinds = {refusal.email: refusal.kind for refusal in receipt.refusals}
    assert kinds == {
        "unsubscribed@example.com": RefusalKind.SUPPRESSED,
        "bounced@example.com": RefusalKind.SUPPRESSED,
        "deleted@example.com": RefusalKind.SUPPRESSED,
        "bad address": RefusalKind.REJECTED,
    }
    assert (receipt.new, receipt.unaccounted) == (1, 0)
    assert all(refusal.message.endswith(".") for refusal in receipt.refusals)
    assert sandbox.counts()["Active"] == 1


def test_a_full_batch_passes_and_again_changes_nothing(
    destination: Destination, access: Access, sandbox: RunningSandbox
) -> None:
    settings = settings_for(destination.list_details(access, sandbox.list_id))
    people: list[tuple[str, list[Any]]] = [
        (f"person{n}@example.com", []) for n in range(destination.capabilities.batch_rows)
    ]
    assert send(destination, access, settings, people).new == len(people)
    again = send(destination, access, settings, people)
    assert (again.new, again.existing) == (0, len(people))


# -- trouble ---------------------------------------------------------------------------------------------------


def trouble(
    destination: Destination, access: Access, sandbox: RunningSandbox, **rule: Any
) -> tuple[DestinationError, float]:
    """What sending one person meets under a rule of the sandbox, and the seconds it took."""
    settings = settings_for(destination.list_details(access, sandbox.list_id))
    sandbox.faults({"rules": [{"path": "/import", **rule}]})
    started = time.monotonic()
    with pytest.raises(DestinationError) as caught:
        send(destination, access, settings, [("a@example.com", [])])
    return caught.value, time.monotonic() - started


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"kind": "throttle"}, TryLater),
        ({"kind": "error", "status": 500}, TryLater),
        ({"kind": "error", "status": 503, "html": True}, TryLater),
        ({"kind": "drop"}, TryLater),
        ({"kind": "drop", "applied": True}, TryLater),
        ({"kind": "cut_short"}, TryLater),
        ({"kind": "hang", "seconds": 0.2}, TryLater),
        ({"kind": "refuse_credential", "code": 100}, NeedsAdministrator),
        ({"kind": "refuse_credential", "code": 122}, NeedsAdministrator),
        ({"kind": "error", "status": 401, "code": 102}, PermanentError),
        ({"kind": "error", "status": 404, "code": 404}, PermanentError),
        ({"kind": "refuse_batch", "emails": ["a@example.com"]}, BatchRefused),
    ],
)
def test_it_names_trouble_by_what_happens_next(
    destination: Destination,
    access: Access,
    sandbox: RunningSandbox,
    rule: dict[str, Any],
    expected: type[DestinationError],
) -> None:
    error, seconds = trouble(destination, access, sandbox, **rule)
    assert type(error) is expected
    assert error.sentence.endswith(".")
    assert error.code
    assert seconds < 10


def test_it_says_how_long_to_wait(destination: Destination, access: Access, sandbox: RunningSandbox) -> None:
    error, _ = trouble(destination, access, sandbox, kind="throttle", retry_after=7, rate_limit_reset=12)
    assert isinstance(error, TryLater)
    assert (error.throttled, error.after_seconds) == (True, 12.0)


def test_a_line_goes_on_after_trouble(destination: Destination, access: Access, sandbox: RunningSandbox) -> None:
    settings = settings_for(destination.list_details(access, sandbox.list_id))
    payload = str(destination.preparer(settings)("a@example.com", []))
    sandbox.faults({"rules": [{"kind": "drop", "path": "/import", "times": 1}]})
    with destination.open_sender(access) as sender:
        with pytest.raises(TryLater):
            sender.send([payload], settings)
        assert sender.send([payload], settings).new == 1


def test_its_check_never_raises_for_trouble(
    destination: Destination, access: Access, sandbox: RunningSandbox
) -> None:
    for kind in ("throttle", "error", "drop", "cut_short"):
        sandbox.faults({"rules": [{"kind": kind}]})
        assert told(destination.check(access)) == [False, None, None, None]


def test_a_revoked_key_fails_the_check(destination: Destination, access: Access, sandbox: RunningSandbox) -> None:
    sandbox.faults({"rules": [{"kind": "refuse_credential"}]})
    assert told(destination.check(access)) == [True, False, None, None]

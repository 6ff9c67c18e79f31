"""The sandbox's answers against facts/shapes.json: keys and types of the test data of the official clients.

A name that ends with “?” may be missing; “include” takes over a part; a list may be empty. “moment” is
“YYYY-MM-DD HH:MM:SS”, “nothing” an empty body.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from connections.destinations.campaign_monitor.sandbox.http_messages import MESSAGES
from tests.support.sandbox import RunningSandbox

FACTS = json.loads((Path(__file__).parent / "facts" / "shapes.json").read_bytes())
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_TYPES = {"text": str, "integer": int, "decimal": float, "flag": bool, "moment": str}
_ANN = {
    "EmailAddress": "ann@example.com",
    "Name": "Ann",
    "MobileNumber": "+447700900123",
    "ConsentToTrack": "Yes",
    "ConsentToSendSms": "No",
    "CustomFields": [{"Key": "[City]", "Value": "Turku"}, {"Key": "[BirthDate]", "Value": "1990/05/31"}],
}
_CAMPAIGN = "ca" * 16
_BAD = {"EmailAddress": "bad", "ConsentToTrack": "Yes"}
_HOOK = {"Events": ["Subscribe"], "Url": "http://127.0.0.1:9/hook", "PayloadFormat": "Json"}
# What is sent: the body, or the parameters of a read.
_SENT: dict[str, dict[str, Any]] = {
    "GET /clients/{client}/listsforemail": {"params": {"email": "ann@example.com"}},
    "POST /lists/{client}": {"json": {"Title": "Another"}},
    "POST /lists/{list}/customfields": {"json": {"FieldName": "new date field", "DataType": "Date"}},
    "PUT /lists/{list}/customfields/{field}": {"json": {"FieldName": "Town"}},
    "PUT /lists/{list}/customfields/{field}/options": {"json": {"Options": ["Gold", "Silver"]}},
    "GET /lists/{list}/active with tracking": {"params": {"includetrackingpreference": "True"}},
    "POST /lists/{list}/webhooks": {"json": _HOOK},
    "POST /subscribers/{list}": {"json": _ANN},
    "PUT /subscribers/{list}": {"json": _ANN, "params": {"email": "ann@example.com"}},
    "GET /subscribers/{list} with tracking": {"params": {"includetrackingpreference": "true"}},
    "GET /subscribers/{list} with tracking and sms": {
        "params": {"includetrackingpreference": "true", "includesmspreference": "true"}
    },
    "POST /subscribers/{list}/import": {"json": {"Subscribers": [_ANN, _ANN]}},
    "POST /subscribers/{list}/import partly": {"json": {"Subscribers": [_ANN, _BAD]}},
    "POST /subscribers/{list}/import refused": {"json": {"Subscribers": []}},
    "POST /subscribers/{list}/unsubscribe": {"json": {"EmailAddress": "ann@example.com"}},
    "GET /clients with a wrong key": {"auth": ("wrong", "x")},
}


def differences(value: Any, shape: Any, place: str = "answer") -> Iterator[str]:
    """Where a value is not as the shape says."""
    if isinstance(shape, str):
        fits = type(value) is _TYPES[shape] and (shape != "moment" or _MOMENT.fullmatch(str(value)))
        if not fits:
            yield f"{place} is {value!r}, not {shape}"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{place} is {value!r}, not a list"
            return
        for at, each in enumerate(value):
            yield from differences(each, shape[0], f"{place}[{at}]")
    elif not isinstance(value, dict):
        yield f"{place} is {value!r}, not an object"
    else:
        yield from _differences_of_keys(value, _whole(shape), place)


def _differences_of_keys(value: dict[str, Any], shape: Mapping[str, Any], place: str) -> Iterator[str]:
    known = {name.rstrip("?"): name for name in shape}
    for name in sorted(value.keys() - known.keys()):
        yield f"{place} has {name}, which the vendor does not have"
    for plain, name in known.items():
        if plain in value:
            yield from differences(value[plain], shape[name], f"{place}.{plain}")
        elif plain == name:
            yield f"{place} lacks {name}"


def _whole(shape: Mapping[str, Any]) -> dict[str, Any]:
    """The object's names, with those of the parts that it includes."""
    whole = {name: each for name, each in shape.items() if name != "include"}
    for part in shape.get("include", ()):
        whole |= _whole(FACTS["parts"][part])
    return whole


@pytest.fixture
def filled(sandbox: RunningSandbox) -> RunningSandbox:
    """A sandbox with a subscriber in every state, a suppressed address, a field with options and a webhook."""
    sandbox.import_people([_ANN, *({"EmailAddress": f"{n}@example.com", "Name": "N"} for n in range(4))])
    for at, state in enumerate(("Unconfirmed", "Unsubscribed", "Bounced", "Deleted")):
        sandbox.set_state([f"{at}@example.com"], state)
    field = {"FieldName": "Tier", "DataType": "MultiSelectOne", "Options": ["Gold"]}
    sandbox.api("POST", f"/lists/{sandbox.list_id}/customfields.json", json=field)
    sandbox.api("POST", f"/lists/{sandbox.list_id}/webhooks.json", json=_HOOK)
    sandbox.door("POST", "campaigns", json={"list_id": sandbox.list_id, "id": _CAMPAIGN, "recipients": 5})
    return sandbox


def ask(sandbox: RunningSandbox, name: str) -> requests.Response:
    """The call by the name that it has in the facts."""
    method, path = name.split(" ")[:2]
    if path == "/oauth/token":
        return _token(sandbox, good="refused" not in name)
    email = {"email": "ann@example.com"} if path.startswith("/subscribers") else {}
    options = dict(_SENT.get(name, {}))
    options["params"] = email | options.get("params", {})
    path = path.format(client=sandbox.client_id, list=sandbox.list_id, field="%5BTier%5D", campaign=_CAMPAIGN)
    return sandbox.api(method, f"{path}.json", **options)


def _token(sandbox: RunningSandbox, *, good: bool) -> requests.Response:
    granted = sandbox.door("POST", "oauth/authorize", json={"scopes": ["ImportSubscribers"]})
    refresh_token = granted["refresh_token"] if good else "wrong"
    data = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return requests.post(f"{sandbox.url}/oauth/token", data=data, timeout=30)


@pytest.mark.parametrize("name", FACTS["answers"])
def test_an_answer_has_the_keys_and_types_of_the_vendor(filled: RunningSandbox, name: str) -> None:
    status, shape = FACTS["answers"][name]
    answer = ask(filled, name)
    assert answer.status_code == status
    if shape == "nothing":
        assert answer.content == b""
        return
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert list(differences(answer.json(), shape)) == []


@pytest.mark.parametrize("state", ["active", "unconfirmed", "unsubscribed", "bounced", "deleted"])
def test_every_state_is_read(filled: RunningSandbox, state: str) -> None:
    assert ask(filled, f"GET /lists/{{list}}/{state}").json()["RecordsOnThisPage"] == 1


def test_a_mobile_number_and_its_consent_are_told_as_the_vendor_does(filled: RunningSandbox) -> None:
    shown = ask(filled, "GET /subscribers/{list} with tracking and sms").json()
    order = [name.rstrip("?") for name in FACTS["parts"]["subscriber"]]
    assert list(shown) == [*order, "ConsentToTrack", "ConsentToSendSms"]
    assert (shown["MobileNumber"], shown["ConsentToSendSms"]) == ("+447700900123", "No")


def test_refusals_speak_the_words_of_the_vendor() -> None:
    assert {code: MESSAGES[int(code)] for code in FACTS["messages"]} == FACTS["messages"]

"""Trouble on demand: what a caller sees of it, and what took effect."""

import http.client
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.support.sandbox import RunningSandbox

PERSON = {"EmailAddress": "a@example.com", "ConsentToTrack": "Yes"}


def send(sandbox: RunningSandbox, *emails: str) -> requests.Response:
    rows = [PERSON | {"EmailAddress": email} for email in emails or ("a@example.com",)]
    return sandbox.api("POST", f"/subscribers/{sandbox.list_id}/import.json", json={"Subscribers": rows})


def trouble(sandbox: RunningSandbox, kind: str, **more: Any) -> None:
    sandbox.faults({"rules": [{"kind": kind, "path": "/import", **more}]})


def test_latency_is_added_to_every_call(sandbox: RunningSandbox) -> None:
    sandbox.faults({"latency_ms": 150})
    started = time.perf_counter()
    sandbox.api("GET", "/systemdate.json")

    assert time.perf_counter() - started >= 0.15
    sandbox.clear_faults()
    started = time.perf_counter()
    sandbox.api("GET", "/systemdate.json")
    assert time.perf_counter() - started < 0.15


def test_jitter_never_makes_time_run_backwards(sandbox: RunningSandbox) -> None:
    sandbox.faults({"latency_ms": 1, "jitter_ms": 20})

    assert all(sandbox.api("GET", "/systemdate.json").status_code == 200 for _ in range(5))


def test_throttling_stops_after_so_many_times(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "throttle", times=2, retry_after=3, rate_limit_reset=7)
    first = send(sandbox)

    assert (first.status_code, first.json()["Code"]) == (429, 429)
    assert (first.headers["Retry-After"], first.headers["X-RateLimit-Reset"]) == ("3", "7")
    assert [send(sandbox).status_code for _ in range(2)] == [429, 201]
    assert sandbox.rules()[0]["acted"] == 2


def test_throttling_may_come_without_advice(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "throttle")

    assert not {"Retry-After", "X-RateLimit-Reset"} & set(send(sandbox).headers)
    assert sandbox.api("GET", "/systemdate.json").status_code == 200


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("applied", [True, False])
def test_errors_may_take_effect(sandbox: RunningSandbox, status: int, applied: bool) -> None:
    trouble(sandbox, "error", status=status, applied=applied)
    answer = send(sandbox)

    assert (answer.status_code, answer.json()["Code"]) == (status, status)
    assert sandbox.counts()["Active"] == int(applied)


def test_a_proxy_answers_with_a_page(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "error", status=502, html=True)

    assert send(sandbox).headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("applied", [True, False])
def test_a_dropped_connection_may_have_taken_effect(sandbox: RunningSandbox, applied: bool) -> None:
    trouble(sandbox, "drop", applied=applied, times=1)

    with pytest.raises(requests.ConnectionError):
        send(sandbox)
    assert sandbox.counts()["Active"] == int(applied)
    assert sandbox.requests()["requests"][0]["status"] == 0
    assert send(sandbox).status_code == 201
    assert sandbox.received() == {"a@example.com": 1 + int(applied)}


def test_an_answer_cut_short_took_effect(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "cut_short")
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
    auth = requests.auth._basic_auth_str(sandbox.api_key, "x")
    body = '{"Subscribers": [{"EmailAddress": "a@example.com", "ConsentToTrack": "Yes"}]}'
    path = f"/api/v3.3/subscribers/{sandbox.list_id}/import.json"
    connection.request("POST", path, body, {"Authorization": auth})
    answer = connection.getresponse()

    assert answer.status == 201
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    connection.close()
    assert sandbox.counts()["Active"] == 1


def test_a_hanging_call_ends_without_an_answer(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "hang", seconds=0.3)
    started = time.perf_counter()

    with pytest.raises(requests.ConnectionError):
        send(sandbox)
    assert time.perf_counter() - started >= 0.3
    assert sandbox.counts()["Active"] == 0


@pytest.mark.parametrize("code", [60, 100, 120, 121, 122])
def test_a_credential_is_refused(sandbox: RunningSandbox, code: int) -> None:
    trouble(sandbox, "refuse_credential", code=code)

    assert (send(sandbox).status_code, send(sandbox).json()["Code"]) == (401, code)


def test_a_plan_is_full(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "plan_full", path="import")

    answer = send(sandbox)
    assert (answer.status_code, answer.json()["Code"]) == (402, 402)
    assert "plan" in answer.json()["Message"]
    assert sandbox.counts()["Active"] == 0


def test_people_are_refused_with_a_code_and_the_rest_is_taken(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "refuse_emails", emails=["B@Example.com"], code=220, message="Because")
    failures = send(sandbox, "a@example.com", "b@example.com").json()["ResultData"]["FailureDetails"]

    assert failures == [{"EmailAddress": "b@example.com", "Code": 220, "Message": "Because"}]
    assert sandbox.counts()["Active"] == 1


def test_a_batch_is_refused_because_of_one_person(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "refuse_batch", emails=["b@example.com"])
    refused = send(sandbox, "a@example.com", "b@example.com")

    assert (refused.status_code, refused.json()["Code"]) == (400, 400)
    assert "ResultData" not in refused.json()
    assert sandbox.counts()["Active"] == 0
    assert send(sandbox, "a@example.com").status_code == 201


def test_rules_wait_for_their_turn(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "throttle", skip=1, times=1)

    assert [send(sandbox).status_code for _ in range(3)] == [201, 429, 201]


def test_a_fault_applies_to_its_method_only(sandbox: RunningSandbox) -> None:
    sandbox.faults({"rules": [{"kind": "throttle", "method": "GET"}]})

    assert send(sandbox).status_code == 201
    assert sandbox.api("GET", "/systemdate.json").status_code == 429


def test_chance_is_repeatable_by_its_seed(sandbox: RunningSandbox) -> None:
    def statuses() -> list[int]:
        sandbox.faults({"seed": 7, "rules": [{"kind": "throttle", "probability": 0.5}]})
        return [sandbox.api("GET", "/systemdate.json").status_code for _ in range(20)]

    first = statuses()
    assert set(first) == {200, 429}
    assert statuses() == first


def test_the_same_address_too_quickly(sandbox: RunningSandbox) -> None:
    path = f"/subscribers/{sandbox.list_id}.json"
    assert [sandbox.api("POST", path, json=PERSON).status_code for _ in range(2)] == [201, 201]

    sandbox.faults({"same_address_seconds": 60})
    refused = sandbox.api("POST", path, json=PERSON)
    assert refused.status_code == 429
    assert "too many times too quickly" in refused.json()["Message"]
    other = PERSON | {"EmailAddress": "b@example.com"}
    assert sandbox.api("POST", path, json=other).status_code == 201


@pytest.mark.parametrize(
    "faults",
    [
        [],
        {"latency": 5},
        {"rules": [{"kind": "flood"}]},
        {"rules": [{"kind": "drop", "when": 1}]},
        {"rules": ["drop"]},
    ],
)
def test_what_cannot_be_understood_is_said(sandbox: RunningSandbox, faults: Any) -> None:
    answer = requests.put(f"{sandbox.url}/_sandbox/faults", json=faults, timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_calls_and_rows_are_counted(sandbox: RunningSandbox) -> None:
    send(sandbox, "a@example.com", "b@example.com")
    send(sandbox, "a@example.com", "bad")
    told = sandbox.requests()

    assert told["totals"] == {"calls": 2, "imports": 2, "rows": 4}
    assert told["statuses"] == {"201": 1, "400": 1}
    newest = told["requests"][0]
    assert (newest["method"], newest["status"], newest["code"], newest["rows"]) == ("POST", 400, 210, 2)
    assert sandbox.received() == {"a@example.com": 2, "b@example.com": 1}
    sandbox.clear_requests()
    assert sandbox.requests()["totals"]["calls"] == 0


def test_reset_is_the_first_day_again(sandbox: RunningSandbox) -> None:
    sandbox.create_list("Another")
    sandbox.faults({"rules": [{"kind": "throttle"}]})
    sandbox.set_state(["a@example.com"], "Suppressed")
    sandbox.reset()

    lists = sandbox.api("GET", f"/clients/{sandbox.client_id}/lists.json").json()
    assert [each["ListID"] for each in lists] == [sandbox.list_id]
    assert sandbox.counts()["Active"] == 0


@pytest.mark.parametrize("state", ["Active", "Unconfirmed", "Unsubscribed", "Bounced", "Deleted"])
def test_people_are_put_into_a_state_in_bulk(sandbox: RunningSandbox, state: str) -> None:
    sandbox.import_people([{"EmailAddress": "p1@example.com", "Name": "Alice"}])
    sandbox.set_state([f"p{number}@example.com" for number in range(3)], state)

    assert sandbox.counts()[state] == 3


def test_a_door_that_is_not_there_names_those_that_are(sandbox: RunningSandbox) -> None:
    answer = requests.get(f"{sandbox.url}/_sandbox/cellar", timeout=10)

    assert answer.status_code == 404
    assert "GET faults" in answer.json()["doors"]
    assert sandbox.door("GET", "healthz") == {"status": "ok"}


def test_a_slow_call_is_answered_all_the_same(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "slow", seconds=0.3)
    started = time.perf_counter()
    assert send(sandbox).ok
    assert time.perf_counter() - started >= 0.3
    assert sandbox.counts()["Active"] == 1


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ({"retry_after": -5}, "-5"),
        ({"retry_after": 0.25}, "0.25"),
        ({"retry_after": 1_800_000_000}, "1800000000"),
        ({"retry_after": "soon"}, "soon"),
    ],
)
def test_a_wait_is_written_as_asked(sandbox: RunningSandbox, waits: dict[str, Any], expected: str) -> None:
    trouble(sandbox, "throttle", **waits)
    assert send(sandbox).headers["Retry-After"] == expected


def test_a_wait_may_be_a_moment(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "error", status=503, retry_after=60, rate_limit_reset=90, waits_as="epoch")
    in_epoch = send(sandbox).headers
    assert int(in_epoch["X-RateLimit-Reset"]) - time.time() == pytest.approx(90, abs=2)
    trouble(sandbox, "throttle", retry_after=60, waits_as="date")
    at = parsedate_to_datetime(send(sandbox).headers["Retry-After"]).timestamp()
    assert at - time.time() == pytest.approx(60, abs=2)


@pytest.mark.parametrize(
    ("status", "header"),
    [(200, ""), (302, "Location"), (403, ""), (404, ""), (407, "Proxy-Authenticate"), (413, "")],
)
def test_another_program_answers_with_a_page(sandbox: RunningSandbox, status: int, header: str) -> None:
    trouble(sandbox, "foreign", status=status)
    body = {"Subscribers": [PERSON]}
    path = f"/subscribers/{sandbox.list_id}/import.json"
    answer = sandbox.api("POST", path, json=body, allow_redirects=False)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html")
    assert answer.text.startswith("<html>")
    assert not header or answer.headers[header]
    assert sandbox.counts()["Active"] == 0


def test_another_program_blocks_unless_said_otherwise(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "foreign")
    assert send(sandbox).status_code == 403


def test_an_answer_may_begin_with_a_byte_order_mark(sandbox: RunningSandbox) -> None:
    trouble(sandbox, "byte_order_mark")
    answer = send(sandbox)
    assert (answer.status_code, answer.content[:4]) == (201, b"\xef\xbb\xbf{")
    assert sandbox.counts()["Active"] == 1


def test_an_answer_may_say_other_values(sandbox: RunningSandbox) -> None:
    values = {"TotalNewSubscribers": 2**53 + 1, "Nothing": 1}
    trouble(sandbox, "rewrite_answer", values=values)
    answer = send(sandbox)
    assert (answer.status_code, answer.json()["TotalNewSubscribers"]) == (201, 2**53 + 1)
    assert "Nothing" not in answer.json()
    refuse = {"kind": "refuse_emails", "emails": ["a@example.com"]}
    sandbox.faults({"rules": [refuse, {"kind": "rewrite_answer", "values": {"Code": None}}]})
    answer = send(sandbox)
    assert answer.json()["Code"] is answer.json()["ResultData"]["FailureDetails"][0]["Code"] is None
    assert sandbox.requests()["requests"][0]["code"] == 0


def test_an_import_may_answer_failures_of_addresses_not_sent(sandbox: RunningSandbox) -> None:
    rows = [{"EmailAddress": "stranger@example.com", "Code": 206, "Message": "Gone"}, None]
    trouble(sandbox, "add_failures", rows=rows, times=1)
    answer = send(sandbox)
    assert (answer.status_code, answer.json()["Code"]) == (400, 210)
    assert answer.json()["ResultData"]["FailureDetails"] == rows
    assert answer.json()["ResultData"]["TotalNewSubscribers"] == 1
    assert send(sandbox).status_code == 201


def test_a_wait_is_written_in_a_known_way(sandbox: RunningSandbox) -> None:
    rule = {"kind": "throttle", "waits_as": "fortnights"}
    answer = requests.put(f"{sandbox.url}/_sandbox/faults", json={"rules": [rule]}, timeout=10)
    assert (answer.status_code, "waits_as" in answer.text) == (400, True)

"""The sandbox's pages: what a person sees, and the form for trouble."""

import re

import pytest
import requests

from connections.destinations.campaign_monitor.sandbox import control
from connections.destinations.campaign_monitor.sandbox.http_messages import Request
from connections.destinations.campaign_monitor.sandbox.pages import handle_page_request
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox
from tests.support.sandbox import RunningSandbox


def page(sandbox: RunningSandbox, path: str) -> str:
    answer = requests.get(sandbox.url + path, timeout=10)
    assert answer.status_code == 200, path
    assert "Sandbox</strong> — not Campaign Monitor" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert not re.search(r"<script|<style|style=|\son\w+=", answer.text)
    return answer.text


def do(sandbox: RunningSandbox, values: dict[str, str], **headers: str) -> requests.Response:
    return requests.post(f"{sandbox.url}/faults/", data=values, headers=headers, timeout=10, allow_redirects=False)


def test_lists_are_shown_with_their_counts(sandbox: RunningSandbox) -> None:
    sandbox.create_list("VIP <club>", confirmed=True, scope="OnlyThisList")
    sandbox.import_people([{"EmailAddress": f"p{number}@example.com"} for number in range(1234 % 1000)])
    html = page(sandbox, "/")

    assert "VIP &lt;club&gt;" in html
    assert "Confirmed" in html
    assert f'<a href="/lists/{sandbox.list_id}/?state=Active">234</a>' in html


def test_people_are_searched_filtered_and_paged(sandbox: RunningSandbox) -> None:
    sandbox.import_people(
        [
            {"EmailAddress": f"p{number:03}@example.com", "Name": f"Person {number}", "CustomFields": city(number)}
            for number in range(120)
        ]
    )
    sandbox.set_state(["p007@example.com"], "Bounced")
    path = f"/lists/{sandbox.list_id}/"

    assert "1–50 of 120" in page(sandbox, path)
    assert "101–120 of 120" in page(sandbox, f"{path}?page=3")
    assert "101–120 of 120" in page(sandbox, f"{path}?page=99")
    found = page(sandbox, f"{path}?q=PERSON 11")
    assert "1–11 of 11" in found
    assert "City 11" in found
    bounced = page(sandbox, f"{path}?state=Bounced")
    assert "p007@example.com" in bounced
    assert "1–1 of 1" in bounced
    assert "No subscribers match." in page(sandbox, f"{path}?q=unknown")


def city(number: int) -> list[dict[str, str]]:
    return [{"Key": "[City]", "Value": f"City {number}"}]


def test_a_person_is_shown_with_every_arrival(sandbox: RunningSandbox) -> None:
    for _ in range(12):
        sandbox.import_people([{"EmailAddress": "a+b@example.com", "Name": "Alice"}])
    sandbox.set_state(["a+b@example.com"], "Unsubscribed")
    sandbox.import_people([{"EmailAddress": "a+b@example.com"}])
    html = page(sandbox, f"/lists/{sandbox.list_id}/person/?email=a%2Bb@example.com")

    assert "Received 13 times" in html
    assert "3 earlier requests are counted but not stored." in html
    assert "206" in html
    assert "On the suppression list of Sandbox client" in html
    assert "a+b@example.com" in page(sandbox, f"/clients/{sandbox.client_id}/suppressions/")


def test_calls_are_shown_newest_first_and_followed(sandbox: RunningSandbox) -> None:
    sandbox.import_people([{"EmailAddress": "bad"}])

    assert "/import.json" in page(sandbox, "/calls/")
    assert requests.get(f"{sandbox.url}/calls/?live=1", timeout=10).headers["Refresh"] == "2"


@pytest.mark.parametrize("path", ["/nowhere", "/lists/0/", "/lists/0/person/", "/clients/0/suppressions/"])
def test_an_address_without_a_page_says_so(sandbox: RunningSandbox, path: str) -> None:
    answer = requests.get(sandbox.url + path, timeout=10)

    assert answer.status_code == 404
    assert "The address is not correct." in answer.text


@pytest.mark.parametrize("path", ["/sandbox.css", "/sandbox.svg"])
def test_styles_and_sign_are_served(sandbox: RunningSandbox, path: str) -> None:
    assert requests.get(sandbox.url + path, timeout=10).status_code == 200


def test_trouble_is_switched_on_and_off_by_form(sandbox: RunningSandbox) -> None:
    rule = {"do": "add", "kind": "throttle", "path": "/systemdate", "times": "1", "retry_after": "2.5"}
    assert do(sandbox, rule).headers["Location"] == "/faults/"
    assert "retry_after 2.5" in page(sandbox, "/faults/")
    assert sandbox.api("GET", "/systemdate.json").headers["Retry-After"] == "2.5"

    do(sandbox, {"do": "add", "kind": "refuse_emails", "emails": "a@example.com, b@example.com", "code": "1"})
    assert sandbox.rules()[1]["emails"] == ["a@example.com", "b@example.com"]
    do(sandbox, {"do": "remove", "number": "0"})
    assert [each["kind"] for each in sandbox.rules()] == ["refuse_emails"]
    do(sandbox, {"do": "wait", "latency_ms": "5", "jitter_ms": "1"})
    assert sandbox.door("GET", "faults")["latency_ms"] == 5
    do(sandbox, {"do": "clear"})
    assert "No faults." in page(sandbox, "/faults/")


def test_trouble_with_further_settings_is_switched_on_by_form(sandbox: RunningSandbox) -> None:
    further = '{"values": {"SystemDate": null}}'
    do(sandbox, {"do": "add", "kind": "rewrite_answer", "path": "/systemdate", "further": further})
    assert sandbox.api("GET", "/systemdate.json").json() == {"SystemDate": None}
    assert "values {&quot;SystemDate&quot;:null}" in page(sandbox, "/faults/")
    do(sandbox, {"do": "add", "kind": "throttle", "path": "/clients", "retry_after": "-1", "waits_as": "date"})
    assert sandbox.api("GET", "/clients.json").headers["Retry-After"].endswith("GMT")
    wrong = do(sandbox, {"do": "add", "kind": "rewrite_answer", "further": "[1]"})
    assert (wrong.status_code, len(sandbox.rules())) == (400, 2)
    assert "“More settings” must be a JSON object." in wrong.text


def test_a_form_filled_in_badly_is_kept_with_the_reason(sandbox: RunningSandbox) -> None:
    answer = do(sandbox, {"do": "add", "kind": "drop", "path": "/import", "times": "often"})

    assert answer.status_code == 400
    assert 'value="often"' in answer.text
    assert sandbox.rules() == []


def test_a_form_on_a_page_of_another_site_does_nothing(sandbox: RunningSandbox) -> None:
    assert do(sandbox, {"do": "add", "kind": "drop"}, Origin="https://example.com").status_code == 403
    assert do(sandbox, {"do": "add", "kind": "drop"}, Origin=sandbox.url).status_code == 303
    assert len(sandbox.rules()) == 1


def test_other_machines_find_the_doors_closed(tmp_path_factory: pytest.TempPathFactory) -> None:
    closed = Sandbox.on(tmp_path_factory.mktemp("closed") / "x.jsonl")
    stranger = Request("GET", "/_sandbox/faults", "", {}, b"", local=False)
    form = Request("POST", "/faults/", "", {}, b"do=clear", local=False)

    assert control.handle_control_request(closed, stranger).status == 403
    assert handle_page_request(closed, form).status == 403
    closed.open_doors = True
    assert control.handle_control_request(closed, stranger).status == 200
    assert handle_page_request(closed, form).status == 303
    closed.store.close()

"""Case 10: an answer that Campaign Monitor did not write is named as such, and no administrator is told to
reconnect."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from connections import credentials
from connections.destinations.campaign_monitor.client import Client
from connections.destinations.errors import BatchRefused, TryLater
from connections.policies import why_it_cannot_run
from exports.models import Batch, Export, Removal
from tests.integration.cases.conftest import run_export
from tests.integration.connections.test_client import ScriptedServer, server
from tests.support import exports, members
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

__all__ = ["server"]

SENTENCES = {
    200: "a web page responded, such as the sign-in page of a network.",
    302: "a system between this server and Campaign Monitor redirects requests.",
    307: "a system between this server and Campaign Monitor redirects requests.",
    401: "a proxy or firewall responded.",
    403: "a proxy or firewall responded.",
    404: "a proxy or firewall responded.",
    407: "a proxy requires authentication.",
}


@pytest.fixture
def line(account: RunningSandbox) -> Iterator[Client]:
    with Client(account.url, account.api_key) as client:
        yield client


def sentence(status: int) -> str:
    return f"HTTP {status}, not from Campaign Monitor: {SENTENCES[status]}"


@pytest.mark.parametrize("status", SENTENCES)
def test_an_answer_of_another_program_is_named(account: RunningSandbox, line: Client, status: int) -> None:
    account.faults({"rules": [{"kind": "foreign", "status": status}]})
    with pytest.raises(TryLater) as asked:
        line.system_date()
    with pytest.raises(TryLater) as sent:
        line.import_subscribers(account.list_id, ["{}"])
    assert asked.value.sentence == sent.value.sentence == sentence(status)
    assert asked.value.code == "not_from_vendor"


@pytest.mark.parametrize("status", SENTENCES)
def test_the_check_of_a_connection_names_it(account: RunningSandbox, status: int) -> None:
    connection = exports.sandbox_connection(account)
    account.faults({"rules": [{"kind": "foreign", "status": status}]})
    steps = connection.destination.check(credentials.access(connection))
    assert [(step.ok, step.detail) for step in steps[:2]] == [(False, sentence(status)), (None, "")]


@pytest.mark.parametrize("status", SENTENCES)
def test_a_run_tries_again_and_keeps_the_connection(account: RunningSandbox, status: int) -> None:
    create_profiles([{"email": "ann@example.com"}])
    connection = exports.sandbox_connection(account)
    exports.export_to(account, connection, exports.segment_of_everyone())
    account.faults({"rules": [{"kind": "foreign", "path": "/import", "status": status, "times": 1}]})
    run = run_export()
    connection.refresh_from_db()
    assert (run["status"], run["delivered"]) == ("successful", 1)
    assert Batch.objects.get().attempt == 2
    assert why_it_cannot_run(connection) is None


@pytest.mark.parametrize("status", SENTENCES)
def test_an_answer_of_another_program_is_no_removal(account: RunningSandbox, line: Client, status: int) -> None:
    """A firewall may let look-ups of subscribers pass, and block their removal."""
    account.faults({"rules": [{"kind": "foreign", "status": status}]})
    for take_off in (line.delete_subscriber, line.unsubscribe):
        with pytest.raises(TryLater) as refused:
            take_off(account.list_id, "ann@example.com")
        assert refused.value.code == "not_from_vendor"


def test_a_contact_is_removed_once_the_firewall_lets_it(account: RunningSandbox) -> None:
    crowd = members.crowd_of(members.CROWD)
    export = exports.export_to(account, exports.sandbox_connection(account), crowd)
    Export.objects.update(removal=Removal.DELETE)
    run_export()
    members.leave(crowd, members.CROWD[0])
    account.faults({"rules": [{"kind": "foreign", "method": "DELETE", "status": 200, "times": 1}]})
    run = run_export()
    assert (run["status"], run["removed"]) == ("successful", 1)
    assert members.states(account, export.list_id)[members.CROWD[0]] == "Deleted"


def test_a_redirect_is_not_followed(account: RunningSandbox, line: Client) -> None:
    account.faults({"rules": [{"kind": "foreign", "status": 302}]})
    with pytest.raises(TryLater):
        line.system_date()
    assert [call["status"] for call in account.requests()["requests"]] == [302]
    moved = account.api("GET", "/systemdate.json", allow_redirects=False)
    assert urlsplit(moved.headers["Location"]).hostname == "sign-in.example"


def test_a_proxy_that_takes_no_large_request_halves_the_batch(account: RunningSandbox, line: Client) -> None:
    account.faults({"rules": [{"kind": "foreign", "status": 413}]})
    with pytest.raises(BatchRefused):
        line.import_subscribers(account.list_id, ["{}", "{}"])
    with pytest.raises(TryLater) as asked:
        line.system_date()
    assert asked.value.sentence.startswith("HTTP 413, not from Campaign Monitor:")


def test_an_empty_refusal_of_a_credential_is_not_of_the_vendor(server: ScriptedServer) -> None:
    server.script = [b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"]
    with Client(server.url, "a-key") as client, pytest.raises(TryLater) as refused:
        client.system_date()
    assert refused.value.sentence == sentence(401)

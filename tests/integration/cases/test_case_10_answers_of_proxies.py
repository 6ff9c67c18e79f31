"""Case 10: an answer that Campaign Monitor did not write is named as such, and nobody is told to reconnect."""

import pytest

from connections.destinations.campaign_monitor.client import Client
from connections.destinations.errors import TryLater
from tests.integration.connections.test_client import ScriptedServer, client, server

__all__ = ["client", "server"]

PAGE = b"<html><title>Blocked</title></html>"


def page(status: str, body: bytes = PAGE, extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            page("302 Found", extra="Location: https://login.example/\r\n"),
            "HTTP 302, and not from Campaign Monitor: something between this server and Campaign Monitor "
            "redirects requests.",
        ),
        (page("403 Forbidden"), "HTTP 403, and not from Campaign Monitor: a proxy or firewall answered."),
        (
            page("407 Proxy Authentication Required"),
            "HTTP 407, and not from Campaign Monitor: a proxy asks for a sign-in.",
        ),
        (
            page("200 OK"),
            "HTTP 200, and not from Campaign Monitor: a web page answered, such as the sign-in page of a network.",
        ),
        (page("404 Not Found"), "HTTP 404, and not from Campaign Monitor: a proxy or firewall answered."),
        (page("401 Unauthorized"), "HTTP 401, and not from Campaign Monitor: a proxy or firewall answered."),
        (page("401 Unauthorized", b""), "HTTP 401, and not from Campaign Monitor: a proxy or firewall answered."),
    ],
)
def test_an_answer_of_another_program_is_named(
    server: ScriptedServer, client: Client, answer: bytes, sentence: str
) -> None:
    server.script = [answer, answer]
    with pytest.raises(TryLater) as asked:
        client.system_date()
    with pytest.raises(TryLater) as sent:
        client.import_subscribers("l1", ["{}"])
    assert asked.value.sentence == sent.value.sentence == sentence
    assert asked.value.code == "not_from_vendor"


def test_a_redirect_is_not_followed(server: ScriptedServer, client: Client) -> None:
    server.script = [page("302 Found", extra=f"Location: {server.url}/elsewhere\r\n")]
    with pytest.raises(TryLater):
        client.system_date()
    assert len(server.requests) == 1

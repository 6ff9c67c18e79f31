"""Case 12: a batch that is too large is halved although the answer has a code, and a token is renewed twice."""

import pytest

from connections.destinations.campaign_monitor.client import Client
from connections.destinations.errors import BatchRefused, NeedsAdministrator
from tests.integration.connections.test_client import ScriptedServer, client, ok, server

__all__ = ["client", "server"]

EXPIRED = ok({"Code": 121, "Message": "Expired OAuth Token"}, "401 Unauthorized")


def test_413_with_a_code_halves_the_batch(server: ScriptedServer, client: Client) -> None:
    server.script = [ok({"Code": 999, "Message": "Request too large"}, "413 Payload Too Large")]
    with pytest.raises(BatchRefused) as refused:
        client.import_subscribers("l1", ["{}", "{}"])
    assert refused.value.http_status == 413


def test_a_second_expiry_right_after_a_renewal_renews_once_more(server: ScriptedServer) -> None:
    tokens = iter(["second", "third"])
    server.script = [EXPIRED, EXPIRED, ok({"SystemDate": "2024-01-01 00:00:00"})]
    with Client(server.url, token="first", renew=lambda refused, expired: next(tokens)) as client:
        assert client.system_date() == "2024-01-01 00:00:00"
    assert [b"Bearer third" in request for request in server.requests] == [False, False, True]


def test_a_third_expiry_asks_for_an_administrator(server: ScriptedServer) -> None:
    tokens = iter(["second", "third", "fourth"])
    server.script = [EXPIRED] * 3
    with (
        Client(server.url, token="first", renew=lambda refused, expired: next(tokens)) as client,
        pytest.raises(NeedsAdministrator),
    ):
        client.system_date()
    assert len(server.requests) == 3

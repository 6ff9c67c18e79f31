"""Case 12: a batch that is too large is halved although the answer has a code, and a token is renewed twice."""

import pytest

from connections.destinations.campaign_monitor.client import Client
from connections.destinations.errors import NeedsAdministrator
from tests import exporting
from tests.integration.cases.conftest import run_export
from tests.integration.connections.test_client import ScriptedServer, ok, server
from tests.sandbox import RunningSandbox

__all__ = ["server"]

EXPIRED = ok({"Code": 121, "Message": "Expired OAuth Token"}, "401 Unauthorized")


@pytest.mark.parametrize("fault", [{"kind": "error", "code": 999}, {"kind": "error", "html": True}])
def test_413_halves_the_batch(account: RunningSandbox, fault: dict[str, object]) -> None:
    exporting.profiles([{"email": f"{name}@example.com"} for name in ("ann", "bo")])
    exporting.export_to(account, exporting.sandbox_connection(account), exporting.segment_of_everyone())
    account.faults({"rules": [{"path": "/import", "status": 413, "times": 1, **fault}]})
    run = run_export()
    assert (run["status"], run["delivered"]) == ("successful", 2)
    assert account.requests()["totals"]["imports"] == 3


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

"""Case 12: a batch that is too large is halved although the answer has a code, and a token is renewed twice."""

from collections.abc import Callable

import pytest

from connections.destinations.campaign_monitor.client import Client
from connections.destinations.errors import NeedsAdministrator
from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox


@pytest.mark.parametrize("fault", [{"kind": "error", "code": 999}, {"kind": "error", "html": True}])
def test_413_halves_the_batch(account: RunningSandbox, fault: dict[str, object]) -> None:
    create_profiles([{"email": f"{name}@example.com"} for name in ("ann", "bo")])
    exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone())
    account.faults({"rules": [{"path": "/import", "status": 413, "times": 1, **fault}]})
    run = run_export()
    assert (run["status"], run["delivered"]) == ("successful", 2)
    assert account.requests()["totals"]["imports"] == 3


@pytest.fixture
def renew(account: RunningSandbox) -> Callable[[str, bool], str]:
    """Gives the second, third and fourth token, one after the other."""
    tokens = ["first", "second", "third", "fourth"]
    for token in tokens:
        account.door("POST", "tokens", json={"token": token})
    left = iter(tokens[1:])
    return lambda refused, expired: next(left)


def expire(account: RunningSandbox, times: int) -> None:
    account.clear_requests()
    account.faults({"rules": [{"kind": "refuse_credential", "code": 121, "times": times}]})


def statuses(account: RunningSandbox) -> list[int]:
    return [call["status"] for call in reversed(account.requests()["requests"])]


def test_a_second_expiry_right_after_a_renewal_renews_once_more(
    account: RunningSandbox, renew: Callable[[str, bool], str]
) -> None:
    expire(account, times=2)
    with Client(account.url, token="first", renew=renew) as client:
        assert client.system_date()
    assert statuses(account) == [401, 401, 200]


def test_a_third_expiry_asks_for_an_administrator(
    account: RunningSandbox, renew: Callable[[str, bool], str]
) -> None:
    expire(account, times=3)
    with (
        Client(account.url, token="first", renew=renew) as client,
        pytest.raises(NeedsAdministrator),
    ):
        client.system_date()
    assert statuses(account) == [401, 401, 401]

"""Case 11: a wait that an answer asks for is understood in every documented form, and has a limit."""

import pytest

from connections.destinations.campaign_monitor.client import Client
from connections.destinations.campaign_monitor.responses import asked_to_wait
from connections.destinations.errors import TryLater
from exports.models import Batch
from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

DATE = {"date": "Fri, 01 Mar 2024 10:00:00 GMT"}
EPOCH = 1_709_287_200  # the same moment, in seconds since 1970


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "Fri, 01 Mar 2024 10:00:30 GMT", **DATE}, 30.0),
        ({"retry-after": "Fri, 01 Mar 2024 09:00:00 GMT", **DATE}, 0.0),
        ({"x-ratelimit-reset": "12"}, 12.0),
        ({"x-ratelimit-reset": str(EPOCH + 45), **DATE}, 45.0),
        ({"x-ratelimit-reset": str(EPOCH + 45), "retry-after": "60", **DATE}, 60.0),
        ({"x-ratelimit-reset": str(EPOCH + 86_400), **DATE}, 900.0),
        ({"retry-after": "999999"}, 900.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_of_an_answer(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_to_wait(headers) == seconds


def test_a_wait_that_is_not_understood_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    asked_to_wait({"retry-after": "soon"})
    assert "“soon”, which cannot be understood" in caplog.text


@pytest.mark.parametrize("kind", ["throttle", "error"])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": 7}, 7),
        ({"retry_after": 2.5}, 2.5),
        ({"retry_after": -5}, 0),
        ({"retry_after": 30, "waits_as": "date"}, 30),
        ({"retry_after": -30, "waits_as": "date"}, 0),
        ({"rate_limit_reset": 45, "waits_as": "epoch"}, 45),
        ({"rate_limit_reset": 86_400, "waits_as": "epoch"}, 900),
        ({"rate_limit_reset": 4_000_000_000_000}, 900),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "Infinity"}, None),
    ],
)
def test_the_wait_of_an_answer_over_the_wire(
    account: RunningSandbox, kind: str, headers: dict[str, float | str], seconds: float | None
) -> None:
    account.faults({"rules": [{"kind": kind, "status": 503, **headers}]})
    with Client(account.url, account.api_key) as client, pytest.raises(TryLater) as refused:
        client.system_date()
    if seconds is None:
        assert refused.value.after_seconds is None
    else:
        assert refused.value.after_seconds == pytest.approx(seconds, abs=1.5 if "waits_as" in headers else 0)


@pytest.mark.parametrize(
    "waits", [{"retry_after": 1, "waits_as": "date"}, {"rate_limit_reset": 1, "waits_as": "epoch"}]
)
def test_a_run_waits_until_the_moment_that_an_answer_names(
    account: RunningSandbox, waits: dict[str, float | str]
) -> None:
    create_profiles([{"email": "ann@example.com"}])
    exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone())
    account.faults({"rules": [{"kind": "throttle", "path": "/import", "times": 1, **waits}]})
    run = run_export()
    assert (run["status"], run["delivered"]) == ("successful", 1)
    assert Batch.objects.get().attempt == 2

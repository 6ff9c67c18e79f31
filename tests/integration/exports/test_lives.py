"""Random lives of an export: nobody is lost, doubled, subscribed again or removed by accident."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import Settings

from tests import exporting
from tests.lives import CROWD, ListUnderTest
from tests.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def machine(sandbox: RunningSandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> type[ListUnderTest]:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    monkeypatch.setattr("config.jobs.backoff.FIRST_SECONDS", 0.0)
    monkeypatch.setattr("exports.delivery.MOST_ATTEMPTS", 50)
    exporting.profiles([{"email": email, "first_name": f"Name {email}"} for email in CROWD])
    segment = exporting.segment_of_everyone("Crowd")
    connection = exporting.sandbox_connection(sandbox)
    return type("Machine", (ListUnderTest,), {"account": sandbox, "connection": connection, "segment": segment})


def live(machine: type[ListUnderTest], *, lives: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )


def test_nobody_is_lost_doubled_or_removed_by_accident(machine: type[ListUnderTest]) -> None:
    live(machine, lives=3, steps=12)


@pytest.mark.drill
def test_nobody_is_lost_in_many_long_lives(machine: type[ListUnderTest]) -> None:
    live(machine, lives=6 * int(os.environ.get("TIMES") or 10), steps=40)

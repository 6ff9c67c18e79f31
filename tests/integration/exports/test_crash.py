"""A hundred thousand people, from a CSV file to the list, while the worker is killed by -9 again and again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from exports.models import Run
from tests import big_export
from tests.processes import worker_processes
from tests.sandbox import RunningSandbox, running_sandbox

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# Enough for many calls; the drill takes a hundred thousand.
PEOPLE = [25_000, pytest.param(100_000, marks=pytest.mark.drill)]
# Killed when so much of the plan is delivered.
KILLED_AT = (0.1, 0.4, 0.7)


@pytest.fixture
def sandbox(tmp_path: Path, settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "sandbox", latency_ms=100) as running:
        settings.CAMPAIGN_MONITOR_SANDBOX_URL = running.url
        yield running


@pytest.mark.parametrize("people", PEOPLE)
def test_three_kills_lose_nobody_and_count_nobody_twice(
    sandbox: RunningSandbox, tmp_path: Path, people: int
) -> None:
    big = big_export.make(tmp_path, sandbox, people)
    sandbox.faults({"rules": [big_export.refusing(big)]})
    with worker_processes(tmp_path / "var", env={"LEASE_SECONDS": "2"}) as workers:
        run = big_export.start(big)
        for share in KILLED_AT:
            big_export.wait_until(run, _has_delivered(share * people))
            workers.kill("work")
            workers.start("work")
        big_export.wait_until(run, big_export.has_ended)

    assert run.attempt > len(KILLED_AT)
    big_export.check_that_everyone_is_there_once(big, run, sandbox)


def _has_delivered(people: float) -> Callable[[Run], bool]:
    return lambda run: run.delivered > people

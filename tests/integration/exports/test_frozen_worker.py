"""A worker that is frozen in the middle of a run and wakes when another has long ended it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from exports import running
from tests import big_export
from tests.processes import worker_processes
from tests.sandbox import RunningSandbox, running_sandbox

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

PEOPLE = 20_000


@pytest.fixture
def sandbox(tmp_path: Path, settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "sandbox", latency_ms=100) as running:
        settings.CAMPAIGN_MONITOR_SANDBOX_URL = running.url
        yield running


def test_it_wakes_too_late_and_changes_nothing(
    sandbox: RunningSandbox, tmp_path: Path, settings: Settings
) -> None:
    settings.LEASE_SECONDS = 2
    big = big_export.make(tmp_path, sandbox, PEOPLE)
    sandbox.faults({"rules": [big_export.refusing(big)]})
    with worker_processes(tmp_path / "var") as workers:
        run = big_export.start(big)
        big_export.wait_until(run, lambda run: run.delivered > PEOPLE * 0.1)
        os.kill(workers.pids["work"], signal.SIGSTOP)
        frozen_at = run.attempt
        deadline = time.monotonic() + 60
        while run.is_open and time.monotonic() < deadline:
            running.carry_on(run.pk)
            run.refresh_from_db()
        ended = (run.status, run.delivered, run.finished_at, run.attempt)
        os.kill(workers.pids["work"], signal.SIGCONT)
        time.sleep(3)
        run.refresh_from_db()

    assert run.attempt > frozen_at
    assert (run.status, run.delivered, run.finished_at, run.attempt) == ended
    big_export.check_that_everyone_is_there_once(big, run, sandbox)

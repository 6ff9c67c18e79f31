"""The worker is killed by -9 at random moments, and the sandbox misbehaves all the while."""

import random
import sys
import time
from pathlib import Path

import pytest

from config.platform.jobs.models import Job
from segments.models import ImportJob
from segments.sources import actions
from tests.support import big_export
from tests.support.people_csv import write_people_csv
from tests.support.profiles import profile_count
from tests.support.sandbox import RunningSandbox
from tests.support.workers import Workers, worker_processes

pytestmark = [pytest.mark.drill, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

PEOPLE = 100_000
QUICK_LEASES = {"LEASE_SECONDS": "2"}
LONGEST_SECONDS = 900
# Every twentieth import meets one of these; half of them took effect all the same.
TROUBLE = [
    {"kind": "throttle", "path": "import", "probability": 0.01, "retry_after": 0.5},
    {"kind": "throttle", "path": "import", "probability": 0.01, "retry_after": 0.5, "applied": True},
    {"kind": "error", "path": "import", "probability": 0.01, "status": 500},
    {"kind": "error", "path": "import", "probability": 0.01, "status": 502, "html": True, "applied": True},
    {"kind": "drop", "path": "import", "probability": 0.01},
    {"kind": "drop", "path": "import", "probability": 0.01, "applied": True},
    {"kind": "cut_short", "path": "import", "probability": 0.02},
]


def strike(workers: Workers, job: Job, chance: random.Random, *, within_seconds: float) -> bool:
    """Kill the worker at a random moment after a worker has claimed the job again, and start another. Return
    False when the job has ended before."""
    attempt, deadline = job.attempt, time.monotonic() + 60
    while job.attempt == attempt and job.is_open:
        assert time.monotonic() < deadline, f"no worker claimed {job}, attempt {attempt}"
        time.sleep(0.05)
        job.refresh_from_db()
    time.sleep(chance.uniform(0, within_seconds))
    workers.kill("jobs")
    job.refresh_from_db()
    workers.start("jobs")
    return job.is_open


def wait_for_end(job: Job) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while job.is_open:
        assert time.monotonic() < deadline, f"{job}: {job.status}, {job.progress_done} of {job.progress_total}"
        time.sleep(0.2)
        job.refresh_from_db()


def test_an_export_loses_no_contact_and_counts_none_twice(
    slow_sandbox: RunningSandbox, tmp_path: Path, times: int, chance: random.Random
) -> None:
    big = big_export.make(tmp_path, slow_sandbox, PEOPLE)
    slow_sandbox.faults({"seed": chance.randrange(1_000_000), "rules": [*TROUBLE, big_export.refusing(big)]})
    struck = 0
    with worker_processes(tmp_path / "var", env=QUICK_LEASES) as workers:
        run = big_export.start(big)
        for _time in range(times):
            struck += strike(workers, run, chance, within_seconds=1.5)
        wait_for_end(run)

    sys.stdout.write(f"struck {struck} times, {run.attempt} attempts, faults {_acted(slow_sandbox)}\n")
    assert struck > times / 2
    slow_sandbox.clear_faults()
    big_export.check_that_everyone_is_there_once(big, run, slow_sandbox)


def test_an_import_takes_everyone_once(tmp_path: Path, times: int, chance: random.Random) -> None:
    path = tmp_path / "people.csv"
    write_people_csv(path, PEOPLE)
    struck = 0
    with worker_processes(tmp_path / "var", env=QUICK_LEASES) as workers:
        job: ImportJob = actions.start_import(path=path, key_column="id", source_name="People", by=None)
        for _time in range(min(times, 15)):  # after twenty attempts an import is given up, rightly
            struck += strike(workers, job, chance, within_seconds=1.0)
        wait_for_end(job)

    sys.stdout.write(f"struck {struck} times, {job.attempt} attempts\n")
    assert struck > min(times, 15) / 2
    assert (job.rows_read, job.rows_created, job.rows_refused) == (PEOPLE, PEOPLE, 0), job.message
    assert profile_count() == PEOPLE


def _acted(sandbox: RunningSandbox) -> dict[str, int]:
    acted: dict[str, int] = {}
    for rule in sandbox.rules():
        acted[rule["kind"]] = acted.get(rule["kind"], 0) + rule["acted"]
    return acted

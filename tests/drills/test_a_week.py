"""A week in minutes: clocks go forward, a month ends, and every day somebody is killed."""

import os
import random
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from config.platform.jobs import clock
from tests import exporting, scheduled
from tests.processes import Workers, worker_processes

pytestmark = [pytest.mark.drill, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

EXPORTS = 50
DAYS = 7
ANY_OF = ("work", "bells", "beat", "bells-2", "beat-2")


def test_every_due_moment_of_a_week_is_answered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chance: random.Random
) -> None:
    """WEEK_SECONDS says in how many seconds the week passes."""
    factor = DAYS * 86_400 / float(os.environ.get("WEEK_SECONDS") or 600)
    monkeypatch.setenv("FILE_DESTINATION_DIR", str(tmp_path / "files"))
    exporting.profiles([{"email": f"p{number}@example.com"} for number in range(100)])
    exports = scheduled.exports_to_files(EXPORTS, exporting.segment_of_everyone())
    with scheduled.time_passes(factor) as told:
        env = {"DRILL_CLOCK": told, "LEASE_SECONDS": "2"}
        twice = {"bells": {"DRILL_CLOCK": scheduled.behind(told, 60)}, "beat": {}}
        with worker_processes(tmp_path / "var", env=env, twice=twice) as workers:
            first_due = scheduled.schedule_all(exports, scheduled.mixed_rules(EXPORTS, most_often_hours=6))
            begun = clock.now()
            for day in range(DAYS):
                scheduled.wait_until(begun + timedelta(days=day, hours=chance.uniform(1, 20)))
                _strike(workers, chance)
            scheduled.wait_until(until := begun + timedelta(days=DAYS))
            scheduled.wait_for_quiet(until)
    account = scheduled.account_of(first_due, until)
    sys.stdout.write(f"{EXPORTS} exports, {DAYS} days at {factor:.0f} times: {account.told(factor)}\n")
    assert (account.lost, account.doubled, account.early, account.missed) == ([], [], 0, 0)


def _strike(workers: Workers, chance: random.Random) -> None:
    name = chance.choice(ANY_OF)
    sys.stdout.write(f"{clock.now():%A %H:%M}: {name} is killed\n")
    workers.kill(name)
    workers.start(name)

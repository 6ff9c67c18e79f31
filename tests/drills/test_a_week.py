"""A week of schedules in minutes: clocks go forward, a month ends, and every day a process is killed."""

import os
import random
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from config.platform.jobs import clock
from tests.support import exports as support_exports
from tests.support import scheduled_days
from tests.support.profiles import create_profiles
from tests.support.workers import Workers, worker_processes

pytestmark = [pytest.mark.drill, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

EXPORTS = 50
DAYS = 7
ANY_OF = ("jobs", "control", "beat", "control-2", "beat-2")


def test_every_due_moment_of_a_week_is_answered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chance: random.Random
) -> None:
    """WEEK_SECONDS says in how many seconds the week passes."""
    factor = DAYS * 86_400 / float(os.environ.get("WEEK_SECONDS") or 600)
    monkeypatch.setenv("FILE_DESTINATION_DIR", str(tmp_path / "files"))
    create_profiles([{"email": f"p{number}@example.com"} for number in range(100)])
    exports = scheduled_days.exports_to_files(EXPORTS, support_exports.segment_of_everyone())
    with scheduled_days.time_passes(factor) as told:
        env = {"DRILL_CLOCK": told, "LEASE_SECONDS": "2"}
        twice = {"control": {"DRILL_CLOCK": scheduled_days.behind(told, 60)}, "beat": {}}
        with worker_processes(tmp_path / "var", env=env, twice=twice) as workers:
            first_due = scheduled_days.schedule_all(
                exports, scheduled_days.mixed_rules(EXPORTS, most_often_hours=6)
            )
            begun = clock.now()
            for day in range(DAYS):
                scheduled_days.wait_until(begun + timedelta(days=day, hours=chance.uniform(1, 20)))
                _strike(workers, chance)
            scheduled_days.wait_until(until := begun + timedelta(days=DAYS))
            scheduled_days.wait_for_quiet(until)
    account = scheduled_days.account_of(first_due, until)
    sys.stdout.write(f"{EXPORTS} exports, {DAYS} days at {factor:.0f} times: {account.told(factor)}\n")
    assert (account.lost, account.doubled, account.early, account.missed) == ([], [], 0, 0)


def _strike(workers: Workers, chance: random.Random) -> None:
    name = chance.choice(ANY_OF)
    sys.stdout.write(f"{clock.now():%A %H:%M}: {name} is killed\n")
    workers.kill(name)
    workers.start(name)

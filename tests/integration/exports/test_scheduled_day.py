"""A day that passes in seconds, with two of everything that ticks and one of them killed. The week is a drill."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from config.platform.jobs import clock
from tests.support import exports as support_exports
from tests.support import scheduled_days
from tests.support.profiles import create_profiles
from tests.support.workers import worker_processes

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

FACTOR = 10_000
EXPORTS = 10


def test_every_due_moment_of_a_day_is_answered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILE_DESTINATION_DIR", str(tmp_path / "files"))
    create_profiles([{"email": "ann@example.com"}])
    exports = scheduled_days.exports_to_files(EXPORTS, support_exports.segment_of_everyone())
    with scheduled_days.time_passes(FACTOR) as told:
        env = {"DRILL_CLOCK": told, "TICK_MILLISECONDS": "500", "LEASE_SECONDS": "2"}
        twice = {"control": {"DRILL_CLOCK": scheduled_days.behind(told, 300)}, "beat": {}}
        with worker_processes(tmp_path / "var", env=env, twice=twice) as workers:
            first_due = scheduled_days.schedule_all(
                exports, scheduled_days.mixed_rules(EXPORTS, most_often_hours=12)
            )
            begun = clock.now()
            scheduled_days.wait_until(begun + timedelta(hours=12))
            workers.kill("control")
            workers.kill("beat")
            scheduled_days.wait_until(until := begun + timedelta(hours=24))
            scheduled_days.wait_for_quiet(until)
    account = scheduled_days.account_of(first_due, until)
    sys.stdout.write(account.told(FACTOR) + "\n")
    assert account.expected >= EXPORTS / 2
    assert (account.lost, account.doubled, account.early) == ([], [], 0)

"""VAR_DIR is full: neither the database, which lies there, nor the broker beside it can write anything."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.models import Run
from tests.faults import ground as grounds
from tests.faults import small_disk
from tests.faults.end_check import check_it_went_well
from tests.faults.system import System, system_on_a_small_disk
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

FULL = "No space left on device"


@pytest.fixture
def system(tmp_path: Path, own_sandbox: RunningSandbox, told: None) -> Iterator[System]:
    if why_not := small_disk.why_not():
        pytest.skip(f"not run: {why_not}")
    own_sandbox.reset()
    with system_on_a_small_disk(tmp_path) as system:
        yield system


def test_it_goes_on_when_there_is_room_again(
    system: System, own_sandbox: RunningSandbox, chance: random.Random
) -> None:
    ground = grounds.make(own_sandbox, chance)
    ground.hold()
    run = ground.start()
    system.wait_until(lambda: _now(run).delivered > 0)
    system.disk.fill()
    system.wait_until(lambda: system.said(FULL))
    system.kill("jobs")
    system.wait_until(lambda: system.said("jobs stopped (signal SIGKILL) and will be restarted"))
    system.disk.make_room()
    ground.calm()
    system.wait_until(lambda: system.is_whole and not _now(run).is_open)
    check_it_went_well(ground, run)


def _now(run: Run) -> Run:
    run.refresh_from_db()
    return run

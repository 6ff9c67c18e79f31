"""VAR_DIR is full: neither the database, which lies there, nor the broker beside it can write anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.jobs.models import JobStatus
from exports.models import Run
from tests.faults import ground as grounds
from tests.faults import small_disk
from tests.faults.checking import check_end, check_everyone_is_there, check_next_run_heals
from tests.faults.system import System, system_on_a_small_disk
from tests.sandbox import RunningSandbox

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

FULL = "No space left on device"


@pytest.fixture
def system(tmp_path: Path, own_sandbox: RunningSandbox, told: None) -> Iterator[System]:
    if why_not := small_disk.why_not():
        pytest.skip(f"not run: {why_not}")
    own_sandbox.reset()
    with system_on_a_small_disk(tmp_path) as system:
        yield system


def test_it_goes_on_when_there_is_room_again(system: System, own_sandbox: RunningSandbox) -> None:
    ground = grounds.make(own_sandbox)
    ground.trouble()
    run = ground.start()
    system.wait_until(lambda: _now(run).delivered > 0)
    system.disk.fill()
    system.wait_until(lambda: system.said(FULL))
    system.kill("work")
    system.wait_until(lambda: system.said("work ended (signal SIGKILL); it starts again"))
    system.disk.make_room()
    system.wait_until(lambda: not _now(run).is_open)
    check_end(ground, run, JobStatus.SUCCESSFUL)
    check_everyone_is_there(ground, run)
    check_next_run_heals(ground)


def _now(run: Run) -> Run:
    run.refresh_from_db()
    return run

"""The supervisor, with real processes that are quick to start."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from config.standalone import leftovers
from config.standalone.folders import CannotStart
from config.standalone.leftovers import Records, identity
from config.standalone.supervisor import Output, Program, Supervisor
from tests.support.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.processes


@dataclass
class Stage:
    """A supervisor, what it printed, and where it notes its processes."""

    supervisor: Supervisor
    stream: io.StringIO
    folder: Path

    @property
    def records(self) -> dict[str, leftovers.Record]:
        return {record.name: record for record in leftovers.read(self.folder / "processes.json")}

    @property
    def said(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stream = io.StringIO()
    supervisor = Supervisor(
        environment={"PATH": "/usr/bin:/bin"},
        folder=tmp_path,
        records=Records(tmp_path / "processes.json"),
        output=Output(stream),
    )
    yield Stage(supervisor, stream, tmp_path)
    supervisor.stop()


def shell(name: str, script: str, **options: object) -> Program:
    return Program(name, ["sh", "-c", script], **options)  # type: ignore[arg-type]


def until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        supervisor.watch_for(0.05)


def test_every_line_is_led_by_the_name_of_its_process(stage: Stage) -> None:
    stage.supervisor.start(shell("talker", "echo one; echo two >&2; sleep 60"))
    until(stage.supervisor, lambda: "two" in stage.said)
    assert stage.said == "talker    │ one\ntalker    │ two\n"


def test_it_starts_again_what_dies_and_waits_longer_every_time(stage: Stage) -> None:
    stage.supervisor.start(shell("mortal", "exit 3"))
    until(stage.supervisor, lambda: "will be restarted in 2 s." in stage.said)
    assert "mortal stopped (exit code 3) and will be restarted in 1 s." in stage.said


def test_it_goes_on_while_nothing_can_be_noted(stage: Stage) -> None:
    """As on a full disk."""
    (stage.folder / "processes.unfinished").mkdir()
    stage.supervisor.start(shell("mortal", "exit 3"))
    until(stage.supervisor, lambda: "will be restarted in 2 s." in stage.said)


def test_it_sweeps_what_a_dead_leader_left_of_its_group(stage: Stage) -> None:
    stage.supervisor.start(shell("parent", f"sleep 60 & echo $! > {stage.folder}/child; wait"))
    until(
        stage.supervisor, lambda: (stage.folder / "child").exists() and (stage.folder / "child").read_text() != ""
    )
    child = int((stage.folder / "child").read_text())
    leader = stage.records["parent"].pid
    os.kill(leader, signal.SIGKILL)
    until(stage.supervisor, lambda: identity(child) is None)


def test_it_gives_up_on_what_never_starts(stage: Stage) -> None:
    stage.supervisor.start(shell("broken", "exit 1"))
    with pytest.raises(CannotStart, match="broken does not start"):
        stage.supervisor.wait_until(lambda: False, what="It", seconds=10, patience=1)


def test_it_waits_no_longer_than_told(stage: Stage) -> None:
    with pytest.raises(CannotStart, match="It was not ready within 0 s"):
        stage.supervisor.wait_until(lambda: False, what="It", seconds=0.2)


def test_it_tells_the_exit_code_of_what_runs_once(stage: Stage) -> None:
    assert stage.supervisor.run_once(shell("once", "exit 7")) == 7


def test_it_stops_last_what_others_need(stage: Stage) -> None:
    log = stage.folder / "log"
    for name, needed in (("database", True), ("page", False)):
        script = f"trap 'sleep 0.2; echo {name} >> {log}; exit' TERM; echo up; while :; do sleep 0.05; done"
        stage.supervisor.start(shell(name, script, needed_by_others=needed))
    until(stage.supervisor, lambda: stage.said.count("up") == 2)
    stage.supervisor.stop()
    assert log.read_text() == "page\ndatabase\n"
    assert stage.records == {}


def test_it_kills_what_does_not_listen(stage: Stage) -> None:
    script = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    stage.supervisor.start(shell("deaf", script, stop=((signal.SIGTERM, 0.3),)))
    until(stage.supervisor, lambda: "up" in stage.said)
    record = stage.records["deaf"]
    stage.supervisor.stop()
    assert identity(record.pid) is None


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    program = f"""
import os, time
from pathlib import Path
from config.standalone.leftovers import Records
from config.standalone.supervisor import Output
from config.standalone.supervisor import Program, Supervisor

records = Records(Path({str(tmp_path)!r}) / "processes.json")
supervisor = Supervisor(environment=os.environ, folder=Path("/"), records=records, output=Output())
supervisor.start(Program("sleeper", ["sleep", "60"]))
print("up", flush=True)
supervisor.watch_for(60)
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        (record,) = leftovers.read(tmp_path / "processes.json")
        assert identity(record.pid) == record.started
        parent.kill()
    wait_until(lambda: identity(record.pid) is None)


def test_a_leftover_is_known_by_its_start_time_too() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        started = identity(stranger.pid)
        assert started is not None
        boot, _, ticks = started.partition(":")
        earlier = leftovers.Record("mine", stranger.pid, f"{boot}:{int(ticks) - 1}")
        assert leftovers.end([earlier]) == []
        assert identity(stranger.pid) == started
        assert leftovers.end([leftovers.Record("mine", stranger.pid, started)]) == ["mine"]

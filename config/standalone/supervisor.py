"""Start programs, restart those that end, stop them in order, and write their lines to one stream.

Every program leads a process group of its own, so that Ctrl-C reaches `up` alone, and dies with `up` however
that ends (launcher.py). See config/decisions/0009-supervisor-of-up.md.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from config.standalone.folders import CannotStart
from config.standalone.leftovers import Records

_COLOURS = ("36", "32", "33", "35", "34", "96", "92", "95")
_WIDTH = 10


class Output:
    """Write whole lines, from any thread; in color on a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._in_colour = self._stream.isatty()
        self._colours: dict[str, str] = {}
        self._lock = threading.Lock()

    def write(self, name: str, text: str) -> None:
        """Write ``text``, which may be several lines, with the prefix ``name``."""
        with self._lock, suppress(OSError, ValueError):  # the reader may be gone
            for line in text.splitlines():
                self._stream.write(f"{self._prefix(name)} {line}\n")
            self._stream.flush()

    def _prefix(self, name: str) -> str:
        prefix = f"{name:<{_WIDTH}}│"
        if not self._in_colour:
            return prefix
        colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
        return f"\x1b[{colour}m{prefix}\x1b[0m"


_LAUNCHER = Path(__file__).with_name("launcher.py")
_LOOK_EVERY_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_WELL_AFTER_SECONDS = 60.0  # a program that ran so long starts again without a pause learned before

Step = tuple[signal.Signals, float]  # a signal, and how many seconds to wait for its effect
_KILL: Step = (signal.SIGKILL, 10.0)


@dataclass(frozen=True)
class Program:
    """Something to keep running. ``before`` goes in front of the launcher. ``needed_by_others``: stopped last."""

    name: str
    command: Sequence[str]
    before: Sequence[str] = ()
    stop: Sequence[Step] = ((signal.SIGTERM, 20.0),)
    death_signal: signal.Signals = signal.SIGKILL
    needed_by_others: bool = False


@dataclass
class Child:
    """A program, and its process as long as it lives."""

    program: Program
    process: subprocess.Popen[bytes]
    reader: threading.Thread
    started_at: float
    exits: int = 0
    start_again_at: float | None = None

    def has_ended(self) -> bool:
        """Return whether the leader is gone; what it left of its group is then killed at once, while the number is
        surely its own."""
        if self.process.returncode is None and self.process.poll() is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.returncode is not None


class Supervisor:
    """Keep programs running. Used from one thread: the kernel ends a child when the *thread* that started it
    ends."""

    def __init__(self, *, environment: Mapping[str, str], folder: Path, records: Records, output: Output) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._records = records
        self._output = output
        self._children: dict[str, Child] = {}
        self.skip_waiting = threading.Event()  # set it to stop waiting for those who take their time

    def start(self, program: Program) -> None:
        """Start it, and keep it running from now on."""
        self._children[program.name] = self._spawn(program)

    def run_once(self, program: Program) -> int:
        """Run it to its end while watching over the others; its exit code."""
        child = self._spawn(program)
        try:
            while not child.has_ended():
                self.watch_for(_LOOK_EVERY_SECONDS)
        finally:
            self._stop([child])
        return child.process.returncode

    def wait_until(
        self, ready: Callable[[], bool], *, what: str, seconds: float, patience: int = 3, every: float = 0.1
    ) -> None:
        """Wait until ``ready()``; raises CannotStart after ``seconds``, or when a program died ``patience`` times
        on the way."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.watch_for(every)
            for name, child in self._children.items():
                if child.exits >= patience:
                    raise CannotStart(f"{name} does not start. See its messages above.")
            if time.monotonic() > deadline:
                raise CannotStart(f"{what} was not ready within {seconds:.0f} s. See the messages above.")

    def watch_for(self, seconds: float) -> None:
        """Restart programs that end, for so many seconds."""
        until = time.monotonic() + seconds
        while True:
            for child in list(self._children.values()):
                self._check_child(child)
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _LOOK_EVERY_SECONDS))

    def stop(self) -> None:
        """Stop everything: first those that lean on others, then those others."""
        children = [child for child in self._children.values() if child.start_again_at is None]
        self._children = {}
        self._stop([child for child in children if not child.program.needed_by_others])
        self._stop([child for child in children if child.program.needed_by_others])

    def _spawn(self, program: Program) -> Child:
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER)]
        process = subprocess.Popen(
            [*program.before, *launcher, str(os.getpid()), str(int(program.death_signal)), *program.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            env=self._environment,
            start_new_session=True,
        )
        gentle = int(program.stop[0][0]) if program.needed_by_others else None
        self._records.add(program.name, process.pid, gentle)
        reader = threading.Thread(target=self._pass_on, args=(program.name, process), daemon=True)
        reader.start()
        return Child(program, process, reader, started_at=time.monotonic())

    def _pass_on(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101
        with process.stdout as lines:
            for line in lines:
                self._output.write(name, line.decode("utf-8", errors="replace").rstrip())

    def _check_child(self, child: Child) -> None:
        if child.start_again_at is not None:
            if time.monotonic() >= child.start_again_at:
                self._restart(child)
        elif child.has_ended():
            self._record_exit(child)

    def _record_exit(self, child: Child) -> None:
        lived = time.monotonic() - child.started_at
        child.exits = 1 if lived > _WELL_AFTER_SECONDS else child.exits + 1
        pause = _pause_after(child.exits)
        child.start_again_at = time.monotonic() + pause
        child.reader.join(timeout=1)  # its last lines come before the news of its end
        self._records.remove(child.program.name)
        how = _ending(child.process.returncode)
        self._output.write("up", f"{child.program.name} stopped ({how}) and will be restarted in {pause:.0f} s.")

    def _restart(self, child: Child) -> None:
        fresh = self._spawn(child.program)
        fresh.exits = child.exits
        self._children[child.program.name] = fresh

    def _stop(self, children: Sequence[Child]) -> None:
        """Stop children by the steps of their programs, then kill what is left of their process groups."""
        stages = [[*child.program.stop, _KILL] for child in children]
        for stage in range(max(map(len, stages), default=0)):
            waits = [0.0]
            for child, steps in zip(children, stages, strict=True):
                if not child.has_ended() and stage < len(steps):
                    child.process.send_signal(steps[stage][0])
                    waits.append(steps[stage][1])
            self._wait(children, max(waits))
        for child in children:
            child.reader.join(timeout=1)
            self._records.remove(child.program.name)

    def _wait(self, children: Sequence[Child], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while [child for child in children if not child.has_ended()]:
            if time.monotonic() > deadline or self.skip_waiting.is_set():
                self.skip_waiting.clear()
                return
            time.sleep(0.05)


def _pause_after(exits: int) -> float:
    """Return the seconds to wait before a restart: doubled with every exit, up to the longest."""
    return float(min(_FIRST_PAUSE_SECONDS * 2 ** min(exits - 1, 10), _LONGEST_PAUSE_SECONDS))


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"

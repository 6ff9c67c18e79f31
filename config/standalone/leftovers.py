"""Write down the processes that `up` started, so that the next `up` can end what a killed one left behind.

A process is known by its number *and* its start time within this boot: the number alone may belong to another
process by now. Read from /proc (Linux).
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Record:
    """A process that leads a group of its own. ``started`` names boot and moment; ``gentle`` is the signal that
    asks it to end, where killing it outright would cost more than it saves."""

    name: str
    pid: int
    started: str
    gentle: int | None = None


class Records:
    """The list in ``path``, rewritten whole whenever it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[str, Record] = {}

    def add(self, name: str, pid: int, gentle: int | None) -> None:
        self._records[name] = Record(name, pid, identity(pid) or "", gentle)
        self._write()

    def remove(self, name: str) -> None:
        self._records.pop(name, None)
        self._write()

    def _write(self) -> None:
        """Write the processes. A full disk is ignored: children die with `up` in any case, and the next change
        is written again."""
        beside = self._path.with_suffix(".unfinished")
        with suppress(OSError):
            beside.write_text(json.dumps([asdict(record) for record in self._records.values()]), encoding="utf-8")
            beside.rename(self._path)


def read(path: Path) -> list[Record]:
    """Read the list of a former `up`; empty when there is none that can be read."""
    try:
        return [Record(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def end(records: list[Record]) -> list[str]:
    """End every process of ``records`` that still lives, with its group; the names of those that did. The ones
    with a gentle signal come last, since the others may be using them."""
    ended = []
    for record in sorted(records, key=lambda record: record.gentle is not None):
        if not any(living(record)):
            continue
        ended.append(record.name)
        if record.gentle is not None:
            _send(record.pid, record.gentle)
            _wait_for_end(record, seconds=30)
        for pid in living(record):
            _send(pid, signal.SIGKILL)
        _wait_for_end(record, seconds=10)
    return ended


def identity(pid: int) -> str | None:
    """Return boot and start time of the process; None when it does not run."""
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX":
        return None
    return f"{_BOOT_ID.read_text().strip()}:{fields[19]}"


def living(record: Record) -> Iterator[int]:
    """Yield the leader and the members of its group, unless the number was given away since."""
    leader = identity(record.pid)
    if leader not in (None, record.started):
        return
    boot, _, started = record.started.partition(":")
    if boot != _BOOT_ID.read_text().strip():
        return
    for pid in _all():
        fields = _stat(pid)
        if fields is None or fields[0] in "ZX":
            continue
        if int(fields[2]) == record.pid and int(fields[19]) >= int(started):
            yield pid


def _wait_for_end(record: Record, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(living(record)):
        time.sleep(0.05)


def _all() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name: state, parent, group, …; number 19 is the start time."""
    try:
        content = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return content.rpartition(")")[2].split()


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def running_in(folder: Path, program: str) -> list[int]:
    """Find processes of ``program`` whose working folder is ``folder``: how to find PostgreSQL without a
    record."""
    found = []
    for pid in _all():
        with suppress(OSError):
            where, what = os.readlink(f"/proc/{pid}/cwd"), os.readlink(f"/proc/{pid}/exe")
            if where == str(folder.resolve()) and os.path.basename(what) == program:
                found.append(pid)
    return found


def end_all_in(folder: Path, program: str, *, seconds: float = 10) -> None:
    """End what running_in finds, and wait until it is gone."""
    deadline = time.monotonic() + seconds
    while (pids := running_in(folder, program)) and time.monotonic() < deadline:
        for pid in pids:
            _send(pid, signal.SIGQUIT)
        time.sleep(0.1)
    for pid in running_in(folder, program):
        _send(pid, signal.SIGKILL)

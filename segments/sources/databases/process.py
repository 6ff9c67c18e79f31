"""Run the reader of databases as a process, with nothing of this process's environment, and end it in time."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Final

from segments.sources.databases import cursor_reader, reader
from segments.sources.databases.warehouses import reader as warehouse_reader

_POLL_SECONDS: Final = 0.05
_ROOT: Final = str(Path(__file__).resolve().parents[3])  # where the reader of warehouses finds our modules


class ReadingFailed(Exception):
    """The reader could not read the rows. ``kind`` is the class of the error of DuckDB; the message is that of the
    driver, which may quote values: it is neither shown nor logged."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind


class TookTooLong(Exception):
    """The reader was ended because its time was over."""


@dataclass(frozen=True)
class Request:
    """What the reader does: see ``reader.run``. Has the password."""

    reader: ClassVar[ModuleType] = reader
    setup: Sequence[str]
    source: str
    rows: int
    folder: str
    memory_mb: int
    threads: int
    bytes_are_text: bool = False
    writing: str = ""
    flag_setting: str = ""
    target: str = ""
    shown: int = 100

    def __repr__(self) -> str:
        return "<request>"


@dataclass(frozen=True)
class CursorRequest:
    """What the reader of a cursor does: see ``cursor_reader.run``. Has the password."""

    reader: ClassVar[ModuleType] = cursor_reader
    connect: Mapping[str, str | int]
    query: str
    milliseconds: int
    rows: int
    folder: str
    memory_mb: int
    threads: int
    target: str = ""
    shown: int = 100

    def __repr__(self) -> str:
        return "<request>"


@dataclass(frozen=True)
class WarehouseRequest:
    """What the reader of warehouses does: see ``warehouses/reader.py``. The login has the password."""

    reader: ClassVar[ModuleType] = warehouse_reader
    module: str
    login: Mapping[str, str | int]
    hosts: Mapping[str, Sequence[str]]
    suffixes: Sequence[str]
    query: str
    rows: int
    folder: str
    memory_mb: int
    threads: int
    root: str = _ROOT
    overhead_mb: int = 1_024  # of Python, the driver and its libraries, beside DuckDB
    target: str = ""
    shown: int = 100

    def __repr__(self) -> str:
        return "<request>"


AnyRequest = Request | CursorRequest | WarehouseRequest


@dataclass(frozen=True)
class Answer:
    """Names and kinds of the columns, how many rows were read, and the first of them as text."""

    names: list[str]
    kinds: list[str]
    rows: int
    first_rows: list[list[str | None]]


def run_reader(request: AnyRequest, *, seconds: float, check: Callable[[], None]) -> Answer:
    """Run the reader to its end. ``check`` is called all the while and may raise to stop. Raises ReadingFailed and
    TookTooLong."""
    folder = Path(request.folder)
    environment = {"HOME": str(folder), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    command = [
        sys.executable,
        "-I",
        str(request.reader.__file__),
        str(folder),
    ]  # the folder only shows whose process it is
    ends_at = time.monotonic() + seconds
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=environment,
    ) as process:
        try:
            _send(process, request)
            while process.poll() is None:
                if time.monotonic() > ends_at:
                    raise TookTooLong
                check()
                time.sleep(_POLL_SECONDS)
        finally:
            process.kill()
    return _answer(folder / reader.ANSWER, process.returncode)


def _send(process: "subprocess.Popen[bytes]", request: AnyRequest) -> None:
    assert process.stdin is not None  # noqa: S101
    try:
        process.stdin.write(json.dumps(asdict(request)).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:  # it has ended already
        pass


def _answer(path: Path, code: int) -> Answer:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Linux kills a process when memory is scarce.
        raise ReadingFailed("", "killed" if code == -signal.SIGKILL else "ended") from None
    if "error" in found:
        raise ReadingFailed(found["error"], found["kind"])
    return Answer(**found)

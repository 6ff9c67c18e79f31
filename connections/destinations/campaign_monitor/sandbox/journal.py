"""The file that forgets nothing: one line for every change, written before the change is answered.

A line is a JSON array of entries, each saying how something *is* from now on, so that reading the lines in order
gives the store again without knowing why it changed. Killed while writing, a last line without its end is an
answer that was never given: it is cut off. Written by a single call each, lines survive `kill -9`; they are not
forced to the disk, so a power cut may cost the last seconds.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

Entry = list[Any]


class FileInUse(Exception):
    """Another sandbox keeps its lists in the same file."""


class Journal:
    """The open file. Made private to its owner, since it holds people."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_descriptor = _locked(path.with_name(path.name + ".lock"))
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = 0

    def read(self) -> Iterator[list[Entry]]:
        """Every change so far, oldest first."""
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                yield orjson.loads(line)
                self.size += len(line)
        os.ftruncate(self._descriptor, self.size)

    def write(self, entries: list[Entry]) -> None:
        """Keep a change: all of it or nothing."""
        line = orjson.dumps(entries, option=orjson.OPT_APPEND_NEWLINE)
        _write_all(self._descriptor, line)
        self.size += len(line)

    def begin_again(self, changes: Iterable[list[Entry]]) -> None:
        """Put other contents in place of all that was; a kill on the way leaves the old ones."""
        beside = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        size = 0
        for entries in changes:
            line = orjson.dumps(entries, option=orjson.OPT_APPEND_NEWLINE)
            _write_all(descriptor, line)
            size += len(line)
        beside.replace(self.path)
        os.close(self._descriptor)
        self._descriptor, self.size = descriptor, size

    def close(self) -> None:
        os.close(self._descriptor)
        os.close(self._lock_descriptor)


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise FileInUse(
            f"Another sandbox keeps its lists beside {path}; stop it or name another --file."
        ) from error
    return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]

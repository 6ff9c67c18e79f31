"""Work in a private folder that is deleted afterwards, and delete what a killed process has left of its own."""

import fcntl
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_LOCK = "lock"


@contextmanager
def private_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a folder below ``parent`` for this user alone. It is deleted at the end, also on SIGTERM; those of
    processes that were killed are deleted first."""
    _delete_leftovers(parent, prefix)
    before = signal.signal(signal.SIGTERM, _end)
    try:
        with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name:
            folder = Path(name)
            with (folder / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield folder
    finally:
        signal.signal(signal.SIGTERM, before)


def _delete_leftovers(parent: Path, prefix: str) -> None:
    """Delete the folders whose lock no process holds."""
    for folder in parent.glob(f"{prefix}*"):
        try:
            with (folder / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        except OSError:  # another process works there, or the folder is not one of ours
            continue


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)

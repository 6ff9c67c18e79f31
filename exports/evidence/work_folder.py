"""Make and delete the folders in which jobs on this machine write their files before these are published.

They contain addresses. Each job locks its folder while it works. The lock ends with the process, however that is,
so that what a killed worker has left is found and deleted: when the next job begins, at each tick, and when a
worker starts.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

_PREFIX = "evidence-"


@contextmanager
def make(name: str) -> Iterator[Path]:
    """Make a folder for the files of a job; it is deleted afterwards."""
    parent = _parent()
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = parent / f"{_PREFIX}{name}"
    with _locked(parent):  # so that it is not deleted between the two steps
        _delete_unlocked(parent)
        folder.mkdir(mode=0o700)
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def delete_abandoned() -> None:
    """Delete the folders on this machine whose process has ended."""
    parent = _parent()
    if next(parent.glob(f"{_PREFIX}*"), None) is not None:
        with _locked(parent):
            _delete_unlocked(parent)


def _parent() -> Path:
    return Path(settings.PROFILE_STORE_SPILL_DIR)


def _delete_unlocked(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError, BlockingIOError), _locked(folder, fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[None]:
    """Lock a folder. Raises BlockingIOError with LOCK_NB while another has the lock."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(lock)

"""One `up` to a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.standalone.errors import CannotStart
from config.standalone.folders import make_private


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; raises CannotStart when another holds it, or when it cannot be written.
    The kernel lets go when the process ends, however it ends."""
    try:
        make_private(folder)
        descriptor = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        advice = "Choose a folder of your own with VAR_DIR."
        raise CannotStart(f"{folder} cannot be used: {error.strerror}. {advice}") from error
    with os.fdopen(descriptor, "r+") as file:
        _lock(file.fileno(), folder, holder=file.read().strip())
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(descriptor: int, folder: Path, holder: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise CannotStart(
            f"Another `up` (process {holder or 'unknown'}) is running on {folder}: stop it first, or choose"
            " another folder with VAR_DIR."
        ) from error

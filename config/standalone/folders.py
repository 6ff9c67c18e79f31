"""Create and lock the folders and key files of a standalone system: everything below VAR_DIR, readable by its
owner alone. ``CannotStart`` says what keeps it from starting.
"""

import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# A socket's path may not exceed 107 bytes, the name of the socket included.
_LONGEST_SOCKET_FOLDER = 80


def var_dir(configured: Path, *, demo: bool) -> Path:
    """Return the folder of this system; the demo has one of its own inside it."""
    return (configured / "demo" if demo else configured).absolute()


def database(folder: Path) -> dict[str, object]:
    """Return Django's settings for the embedded PostgreSQL, reached by its socket."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "segment_exports",
        "USER": "segment_exports",
        "HOST": str(socket_dir(folder)),
    }


def socket_dir(folder: Path) -> Path:
    """Return the folder of PostgreSQL's socket: inside ``folder``, or, when that lies too deep, below the
    temporary folder by the hash of its name."""
    inside = folder / "run"
    if len(os.fsencode(inside)) <= _LONGEST_SOCKET_FOLDER:
        return inside
    import hashlib

    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"segment-exports-{os.getuid()}-{digest}"


def forget_socket_dir(folder: Path) -> None:
    """After a clean end, leave nothing outside ``folder``."""
    with suppress(OSError):
        socket_dir(folder).rmdir()


def secret_key(folder: Path) -> str:
    """Return the key that signs sessions, made on first use."""
    return _stored_secret(folder / "secret_key", lambda: secrets.token_urlsafe(48))


def encryption_key(folder: Path) -> str:
    """Return the first key of the keyring, as ``id:key``, made on first use."""
    return _stored_secret(encryption_key_path(folder), lambda: _new_key("k1"))


def encryption_key_path(folder: Path) -> Path:
    """Return where the keyring of the embedded system lies: ``id:key[,older-id:key]``."""
    return folder / "encryption_key"


def put_new_key_first(path: Path) -> str:
    """Make a key and put it in front of the others in the keyring at ``path``, in one step, so that half a
    keyring is never read. Returns its id; raises OSError."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two at once would lose a key
        entries = path.read_text(encoding="ascii").strip()
        numbers = [int(found) for found in re.findall(r"(?:^|,)\s*k(\d+):", entries)]
        key_id = f"k{max(numbers, default=0) + 1}"
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{_new_key(key_id)},{entries}\n")
            file.flush()
            os.fsync(descriptor)
        os.replace(beside, path)
        os.fsync(folder)
    finally:
        os.close(folder)
    return key_id


def _new_key(key_id: str) -> str:
    from cryptography.fernet import Fernet

    return f"{key_id}:{Fernet.generate_key().decode()}"


def make_private(folder: Path) -> None:
    """Make ``folder``, and those above it that are missing, for its owner alone. One that exists stays as it
    is."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for part in reversed(missing):
        part.mkdir(mode=0o700, exist_ok=True)


def make_own(folder: Path) -> None:
    """Make a private folder in a place that others might have prepared: an existing folder of another user is
    refused with ImproperlyConfigured."""
    make_private(folder)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ImproperlyConfigured(
            f"{folder} must be accessible only to you. Remove it, or choose another VAR_DIR."
        )


def _stored_secret(path: Path, make: Callable[[], str]) -> str:
    """Read the secret in the file ``path``, which is created once, however many processes ask for it."""
    try:
        if not path.exists():
            make_private(path.parent)
            _write_once(path, make())
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        advice = "Set VAR_DIR to a folder of your own."
        raise ImproperlyConfigured(f"{error.filename or path}: {error.strerror}. {advice}") from error


def _write_once(path: Path, content: str) -> None:
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by us alone
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.link(beside, path)
    except FileExistsError:  # another process of ours was faster: its secret counts
        pass
    finally:
        os.unlink(beside)


class CannotStart(Exception):
    """The system cannot start. The message is a sentence that says why, and what to do."""


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; raises CannotStart when another holds it, or when it cannot be written.
    The kernel lets go when the process ends, however it ends."""
    try:
        make_private(folder)
        descriptor = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        advice = "Set VAR_DIR to a folder of your own."
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
            f"Another `up` (process {holder or 'unknown'}) is already running on {folder}. Stop it first, or set"
            " VAR_DIR to another folder."
        ) from error

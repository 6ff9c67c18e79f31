"""Where the embedded system keeps its things: everything under VAR_DIR, readable by its owner alone."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def var_dir(configured: Path, *, demo: bool) -> Path:
    """The folder of this system; the demo has one of its own inside it."""
    return (configured / "demo" if demo else configured).absolute()


def database(folder: Path) -> dict[str, object]:
    """Django's settings for the embedded PostgreSQL, reached by its socket."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "segment_exports",
        "USER": "segment_exports",
        "HOST": str(socket_dir(folder)),
    }


def socket_dir(folder: Path) -> Path:
    """The folder of PostgreSQL's socket. A socket's path may not exceed 107 bytes, so a deep one goes by its
    hash below the user's runtime folder."""
    inside = folder / "run"
    if len(str(inside)) <= 80:
        return inside
    import hashlib
    import tempfile

    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"segment-exports-{os.getuid()}-{digest}"


def secret_key(folder: Path) -> str:
    """The key that signs sessions, made on first use."""
    return _kept_secret(folder / "secret_key", lambda: secrets.token_urlsafe(48))


def encryption_key(folder: Path) -> str:
    """The first key of the keyring, as ``id:key``, made on first use."""
    from cryptography.fernet import Fernet

    return _kept_secret(folder / "encryption_key", lambda: f"k1:{Fernet.generate_key().decode()}")


def make_private(folder: Path) -> None:
    """Make ``folder``, and those above it that are missing, for its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _kept_secret(path: Path, make: Callable[[], str]) -> str:
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    make_private(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process of ours was faster
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(make())
    return path.read_text(encoding="ascii").strip()

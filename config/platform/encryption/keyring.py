"""Encrypt and decrypt secrets with a keyring over Fernet. Each secret is stored as ``key-id:token``; the first key
encrypts, every key decrypts. Knows no models.

A keyring in a file (``ENCRYPTION_KEYS_FILE``) is read again whenever the file has changed, so that every
running process knows a new key before anything is encrypted with it.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class CannotDecrypt(Exception):
    """The key that this secret was encrypted with is not in the keyring, or is another one by the same id."""


def encrypt(clear: bytes) -> str:
    """Encrypt ``clear`` under the current key."""
    key_id, key = next(iter(_keyring().items()))
    return f"{key_id}:{Fernet(key).encrypt(clear).decode('ascii')}"


def decrypt(stored: str) -> bytes:
    """Decrypt a secret. Raises CannotDecrypt with the id of the key that is missing or wrong."""
    key_id, _colon, token = stored.partition(":")
    key = _keyring().get(key_id)
    if key is None:
        raise CannotDecrypt(f"ENCRYPTION_KEYS contains no key “{key_id}”")
    try:
        return Fernet(key).decrypt(token.encode("ascii"))
    except InvalidToken as error:
        raise CannotDecrypt(f"the key “{key_id}” in ENCRYPTION_KEYS is not the one that encrypted this") from error


def key_id_of(stored: str) -> str:
    """Return the id of the key that a secret is encrypted with."""
    return stored.partition(":")[0]


def key_ids() -> Sequence[str]:
    """Return the ids of the keyring; the first is of the key that encrypts."""
    return list(_keyring())


def entries() -> Sequence[str]:
    """Return the keys of the keyring as ENCRYPTION_KEYS has them, ``key-id:key``."""
    return [f"{key_id}:{key}" for key_id, key in _keyring().items()]


def _keyring() -> dict[str, str]:
    keys = dict(entry.split(":", 1) for entry in _entries() if ":" in entry)
    if not keys:
        raise ImproperlyConfigured("Set ENCRYPTION_KEYS to id:key[,older-id:key]. See README.md, “Settings”.")
    return keys


def _entries() -> Sequence[str]:
    path: Path | None = settings.ENCRYPTION_KEYS_FILE
    if path is not None:
        try:
            state = path.stat()
            return _read(path, state.st_mtime_ns, state.st_ino)
        except (OSError, UnicodeDecodeError):  # what was read at the start still counts
            pass
    return list(settings.ENCRYPTION_KEYS)


@lru_cache(maxsize=2)
def _read(path: Path, _changed_ns: int, _inode: int) -> Sequence[str]:
    """Return the entries of the file, read once for each time it was written."""
    return [entry.strip() for entry in path.read_text(encoding="utf-8").split(",") if entry.strip()]

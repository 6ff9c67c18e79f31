"""A keyring over Fernet. Each secret is stored as ``key-id:token``; the first key encrypts, every key decrypts.
Knows no models."""

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class CannotDecrypt(Exception):
    """The key that this secret was encrypted with is not in the keyring, or is another one by the same id."""


def encrypt(clear: bytes) -> str:
    """``clear`` under the current key."""
    key_id, key = next(iter(_keyring().items()))
    return f"{key_id}:{Fernet(key).encrypt(clear).decode('ascii')}"


def decrypt(stored: str) -> bytes:
    """What was encrypted; raises CannotDecrypt with the id of the key that is missing or wrong."""
    key_id, _, token = stored.partition(":")
    key = _keyring().get(key_id)
    if key is None:
        raise CannotDecrypt(f"ENCRYPTION_KEYS holds no key “{key_id}”")
    try:
        return Fernet(key).decrypt(token.encode("ascii"))
    except InvalidToken as error:
        raise CannotDecrypt(f"the key “{key_id}” in ENCRYPTION_KEYS is not the one that encrypted this") from error


def _keyring() -> dict[str, str]:
    keys = dict(entry.split(":", 1) for entry in settings.ENCRYPTION_KEYS if ":" in entry)
    if not keys:
        raise ImproperlyConfigured("Set ENCRYPTION_KEYS to id:key[,older-id:key]. See README.md, “Settings”.")
    return keys

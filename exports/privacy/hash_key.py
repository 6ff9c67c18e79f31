"""Hold the key of the hashes of people. It is encrypted with the keyring, so that a rotation converts it like
every other secret while the hashes stay the same."""

import secrets
from typing import Any

from config.platform.encryption.fields import Sealed
from config.platform.encryption.keyring import CannotDecrypt
from exports.models import PersonKey

_BYTES = 32
_ONLY = 1


def key() -> bytes:
    """The key; made when it is asked for first. Raises CannotDecrypt when the keyring cannot read it."""
    stored = PersonKey.objects.filter(pk=_ONLY).first()
    if stored is None:
        made: Any = Sealed.of({"key": secrets.token_hex(_BYTES)})
        PersonKey.objects.bulk_create(
            [PersonKey(pk=_ONLY, secret=made)], ignore_conflicts=True
        )  # another process may be faster
        stored = PersonKey.objects.get(pk=_ONLY)
    sealed: Any = stored.secret
    if not isinstance(sealed, Sealed):
        raise CannotDecrypt("the key of the hashes of people is missing")
    return bytes.fromhex(sealed.open()["key"])

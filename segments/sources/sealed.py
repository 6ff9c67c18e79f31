"""Seal what a user entered with a secret between two requests: encrypted, for this user, for half an hour."""

from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from config.platform.accounts.models import User
from config.platform.encryption import keyring
from config.platform.jobs import clock

_LIFETIME: Final = timedelta(minutes=30)


def seal(content: dict[str, Any], *, kind: str, by: User) -> str:
    """Return the content as an encrypted text, which ``unseal`` reads for the same kind and user."""
    sealed = {"content": content, "kind": kind, "user": by.pk, "at": clock.now().isoformat()}
    return keyring.encrypt(orjson.dumps(sealed))


def unseal(text: str, *, kind: str, by: User) -> dict[str, Any] | None:
    """Return the content of a sealed text; None when it is not one of this kind and user, or too old."""
    try:
        sealed = orjson.loads(keyring.decrypt(text))
    except (keyring.CannotDecrypt, ValueError):
        return None
    is_old = clock.now() - datetime.fromisoformat(sealed["at"]) > _LIFETIME
    if sealed["kind"] != kind or sealed["user"] != by.pk or is_old:
        return None
    content: dict[str, Any] = sealed["content"]
    return content

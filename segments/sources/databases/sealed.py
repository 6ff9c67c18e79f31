"""Seal what a user entered of a database between two requests: encrypted, for this user, for half an hour."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Final

import orjson

from config.platform.accounts.models import User
from config.platform.encryption import keyring
from config.platform.jobs import clock
from segments.models import DatabaseEncryption, DatabaseEngine
from segments.sources.databases.actions import QuerySettings

_LIFETIME: Final = timedelta(minutes=30)


def seal(settings: QuerySettings, *, by: User) -> str:
    """Return the settings as an encrypted text, which ``unseal`` reads."""
    content = {"settings": asdict(settings), "user": by.pk, "at": clock.now().isoformat()}
    return keyring.encrypt(orjson.dumps(content))


def unseal(text: str, *, by: User) -> QuerySettings | None:
    """Return the settings of a sealed text; None when it is not one of this user, or too old."""
    try:
        content = orjson.loads(keyring.decrypt(text))
    except (keyring.CannotDecrypt, ValueError):
        return None
    if content["user"] != by.pk or clock.now() - datetime.fromisoformat(content["at"]) > _LIFETIME:
        return None
    settings = QuerySettings(**content["settings"])
    return replace(
        settings, engine=DatabaseEngine(settings.engine), encryption=DatabaseEncryption(settings.encryption)
    )

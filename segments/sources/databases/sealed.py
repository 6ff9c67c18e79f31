"""Seal what a user entered of a database between two requests."""

from dataclasses import asdict, replace
from typing import Final

from config.platform.accounts.models import User
from segments.models import DatabaseEncryption, DatabaseEngine
from segments.sources import sealed
from segments.sources.databases.actions import QuerySettings

_KIND: Final = "database"


def seal(settings: QuerySettings, *, by: User) -> str:
    """Return the settings as an encrypted text, which ``unseal`` reads."""
    return sealed.seal(asdict(settings), kind=_KIND, by=by)


def unseal(text: str, *, by: User) -> QuerySettings | None:
    """Return the settings of a sealed text; None when it is not one of this user, or too old."""
    content = sealed.unseal(text, kind=_KIND, by=by)
    if content is None:
        return None
    settings = QuerySettings(**content)
    return replace(
        settings, engine=DatabaseEngine(settings.engine), encryption=DatabaseEncryption(settings.encryption)
    )

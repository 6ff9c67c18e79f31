"""Mask personal data for users who may not see it."""

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission

DOTS = "•••"


def masked(value: object, user: object) -> str:
    """``value`` as ``user`` may see it: whole, or an address as “a•••@e•••.com” and all else as “•••”. What is
    empty stays empty."""
    text = "" if value is None else str(value)
    if not text or (isinstance(user, User) and user.may(Permission.PERSONAL_DATA_SEE)):
        return text
    return mask(text)


def mask(text: str) -> str:
    """Return the masked form of a text."""
    name, at, domain = text.strip().rpartition("@")
    if not at or not name or not domain:
        return DOTS
    host, dot, ending = domain.rpartition(".")
    return f"{name[0]}{DOTS}@{host[0]}{DOTS}.{ending}" if dot and host else f"{name[0]}{DOTS}@{DOTS}"

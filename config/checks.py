"""Check the settings at start-up, and say how to fix them. `up` and `manage.py check` run these checks."""

import sys
from collections.abc import Iterator

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

TAG = "house"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@register(TAG)
def check_encryption_keys(**_: object) -> list[CheckMessage]:
    """Check that ENCRYPTION_KEYS holds valid keys with ids of their own. Messages name keys by their id only."""
    if not settings.ENCRYPTION_KEYS:
        return [
            Error(
                "ENCRYPTION_KEYS contains no key to encrypt credentials.", hint=_HOW_TO_MAKE_A_KEY, id="house.E001"
            )
        ]
    return list(_key_problems(settings.ENCRYPTION_KEYS))


@register(TAG)
def check_demo(**_: object) -> list[CheckMessage]:
    """Check that the demo, whose passwords are public, is reachable from this machine only."""
    if settings.DEMO and settings.HOST not in LOOPBACK:
        hint = "Leave HOST unset, or start without the demo."
        return [
            Error(
                f"The demo must not be reachable from other machines, but HOST is {settings.HOST}.",
                hint=hint,
                id="house.E004",
            )
        ]
    return []


@register(TAG)
def check_secret_key(**_: object) -> list[CheckMessage]:
    """Check that SECRET_KEY is too long to be guessed."""
    if len(settings.SECRET_KEY) < 32:
        hint = "Create one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        return [Error("SECRET_KEY is shorter than 32 characters.", hint=hint, id="house.E005")]
    return []


@register(TAG)
def check_production(**_: object) -> list[CheckMessage]:
    """Check that DEBUG is off and ALLOWED_HOSTS names hosts, except on a developer's own machine."""
    found: list[CheckMessage] = []
    if settings.DEBUG and not settings.EMBEDDED:
        found.append(Error("DEBUG shows internal data to every visitor.", hint="Unset DEBUG.", id="house.E006"))
    if "*" in settings.ALLOWED_HOSTS:
        hint = "List the host names that users open, such as exports.example.com."
        found.append(Warning("ALLOWED_HOSTS accepts every host name.", hint=hint, id="house.W003"))
    return found


@register(TAG, deploy=True)
def check_https(**_: object) -> list[CheckMessage]:
    """Warn when pages, and so passwords, are served without HTTPS."""
    if settings.HTTPS:
        return []
    hint = "Use an HTTPS proxy, and set HTTPS=yes."
    return [Warning("Pages are served without HTTPS.", hint=hint, id="house.W004")]


def refuse_unsafe_settings() -> None:
    """End the process with a sentence when SECRET_KEY is too short, or DEBUG is on with a database of its own."""
    errors = [message for message in (*check_secret_key(), *check_production()) if isinstance(message, Error)]
    if errors:
        sys.exit(f"{errors[0].msg} {errors[0].hint}")


_HOW_TO_MAKE_A_KEY = (
    "Set ENCRYPTION_KEYS to id:key. Create a key with: python -c "
    "'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
)


def _key_problems(entries: list[str]) -> Iterator[CheckMessage]:
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        key_id, colon, key = entry.partition(":")
        if not colon or not key_id or not _is_key(key):
            text = f"Entry {number} of ENCRYPTION_KEYS does not have the form id:key."
            yield Error(text, hint=_HOW_TO_MAKE_A_KEY, id="house.E002")
        elif key_id in seen:
            hint = "Give each key a unique id. Stored credentials refer to their key by its id."
            yield Error(f"ENCRYPTION_KEYS contains two keys with the id “{key_id}”.", hint=hint, id="house.E003")
        seen.add(key_id)


def _is_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True

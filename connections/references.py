"""A secret may be kept as a reference: ``env:NAME`` or ``file:/path`` instead of the value.

The reference is stored; what it leads to is read whenever it is used, by every process that uses it. So a secret
that is exchanged outside is the new one at once, and never lies in our database.
"""

import os
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

_LONGEST_SECRET = 64 * 1024
# What this place itself lives by is nobody's credential: a connection would send it to strangers.
_OUR_OWN = {"SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "DATABASE_PASSWORD", "REDIS_URL", "PGPASSWORD"}
_NOT_BELOW = ("/proc", "/sys", "/dev")


class LeadsNowhere(Exception):
    """What a reference names is not there, or may not be used; says what to do, and never holds a secret."""


def is_reference(value: str) -> bool:
    """Whether ``value`` names a place rather than being the secret."""
    return value.startswith(("env:", "file:"))


def resolve(value: str) -> str:
    """The secret itself: what ``value`` leads to, or ``value`` when it is no reference. Raises LeadsNowhere."""
    kind, _colon, name = value.partition(":")
    if not is_reference(value):
        return value
    return _from_environment(name.strip()) if kind == "env" else _from_file(Path(name.strip()))


def resolve_all(secrets: dict[str, str]) -> dict[str, str]:
    """Every secret by its name. Raises LeadsNowhere."""
    return {name: resolve(value) for name, value in secrets.items()}


def _from_environment(name: str) -> str:
    if name in _OUR_OWN or name.endswith("_OAUTH_CLIENT_SECRET"):
        raise LeadsNowhere(_("The variable {name} belongs to this system itself.").format(name=name))
    value = os.environ.get(name, "").strip()
    if not value:
        raise LeadsNowhere(
            _(
                "The environment has no variable {name}. Set it for every program of this system and restart them."
            ).format(name=name or "“”")
        )
    return value


def _from_file(path: Path) -> str:
    if not path.is_absolute():
        raise LeadsNowhere(_("Write the whole path: file:/…"))
    try:
        real = path.resolve(strict=True)
        if any(real.is_relative_to(folder) for folder in (*_NOT_BELOW, Path(settings.VAR_DIR).resolve())):
            raise LeadsNowhere(_("{path} belongs to the system itself.").format(path=path))
        with real.open("rb") as file:
            value = file.read(_LONGEST_SECRET).decode("utf-8").strip()
    except OSError as error:
        raise LeadsNowhere(
            _("The file {path} cannot be read: {why}.").format(path=path, why=error.strerror)
        ) from None
    except UnicodeDecodeError:
        raise LeadsNowhere(_("The file {path} is not UTF-8.").format(path=path)) from None
    if not value:
        raise LeadsNowhere(_("The file {path} is empty.").format(path=path))
    return value

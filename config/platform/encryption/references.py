"""Resolve references to secrets that are kept outside of the database.

A reference is ``env:CREDENTIAL_NAME`` or ``file:/path`` instead of a secret. Only the reference is stored; the
secret is read at each use, by every process. So a secret that is replaced outside takes effect at once, and is
never in the database.
"""

import os
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

_LONGEST_SECRET = 64 * 1024
# Only variables with this prefix, so that no reference can reach what the system itself lives by.
VARIABLE_PREFIX = "CREDENTIAL_"


class UnresolvedReference(Exception):
    """A reference cannot be resolved; the message says what to do, and never holds a secret."""


def is_reference(value: str) -> bool:
    """Tell whether ``value`` refers to a secret that is kept elsewhere."""
    return value.partition(":")[0] in ("env", "file") and ":" in value


def resolve_reference(value: str) -> str:
    """Return the secret that ``value`` refers to, or ``value`` if it is no reference. Raises
    UnresolvedReference."""
    if not is_reference(value):
        return value
    kind, _colon, name = value.partition(":")
    return _from_environment(name.strip()) if kind == "env" else _from_file(Path(name.strip()))


def _from_environment(name: str) -> str:
    if not name.startswith(VARIABLE_PREFIX):
        raise UnresolvedReference(
            _("The variable name must start with {prefix}. Use {prefix}{name}.").format(
                prefix=VARIABLE_PREFIX, name=name or "…"
            )
        )
    value = os.environ.get(name, "").strip()
    if not value:
        raise UnresolvedReference(
            _(
                "The environment has no variable {name}. Set it for all processes of this installation, "
                "then restart them."
            ).format(name=name)
        )
    return value


def _from_file(path: Path) -> str:
    """Read a file below CREDENTIAL_DIR. Of other paths the refusal does not tell whether they exist."""
    folder = Path(settings.CREDENTIAL_DIR).resolve()
    real = Path(os.path.realpath(path))
    if not path.is_absolute() or not real.is_relative_to(folder) or real in _files_of_settings():
        raise UnresolvedReference(
            _("The file must be in the folder {folder}. Move the secret there and enter its full path.").format(
                folder=settings.CREDENTIAL_DIR
            )
        )
    try:
        with real.open("rb") as file:
            value = file.read(_LONGEST_SECRET).decode("utf-8").strip()
    except OSError as error:
        raise UnresolvedReference(
            _("The file {path} cannot be read: {why}.").format(path=path, why=error.strerror)
        ) from None
    except UnicodeDecodeError:
        raise UnresolvedReference(_("The file {path} is not UTF-8.").format(path=path)) from None
    if not value:
        raise UnresolvedReference(_("The file {path} is empty.").format(path=path))
    return value


def _files_of_settings() -> set[Path]:
    """Return the files that settings come from, such as the one that SECRET_KEY_FILE names."""
    named = [value for name, value in os.environ.items() if name.endswith("_FILE") and value]
    return {Path(os.path.realpath(value)) for value in named}

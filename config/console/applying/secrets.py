"""Secrets stay out of files: a file says where to find one, ``env:NAME`` or ``file:/path``."""

from collections.abc import Mapping
from pathlib import Path

from django.utils.translation import gettext as _


class SecretRefused(Exception):
    """The reference leads nowhere, or is no reference; the sentence says what to write. Never holds a secret."""


def resolve(written: str, *, suggestion: str, environ: Mapping[str, str]) -> str:
    """Return the secret that ``written`` refers to; raises SecretRefused. ``suggestion`` is a name of a
    variable to propose where the file holds the secret itself."""
    kind, colon, name = written.partition(":")
    if colon and kind == "env":
        return _from_environment(name.strip(), environ)
    if colon and kind == "file":
        return _from_file(Path(name.strip()))
    raise SecretRefused(
        _("A secret does not belong in a file. Put it in a variable of the environment and write env:%s here.")
        % suggestion
    )


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SecretRefused(_("The environment has no variable %s. Set it, then apply again.") % (name or "“”"))
    return value


def _from_file(path: Path) -> str:
    if not path.is_absolute():
        raise SecretRefused(_("Write the whole path: file:/…"))
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretRefused(
            _("%(path)s cannot be read: %(why)s.") % {"path": path, "why": error.strerror}
        ) from error
    except UnicodeDecodeError:
        raise SecretRefused(_("%s is not UTF-8.") % path) from None
    if not value:
        raise SecretRefused(_("%s is empty.") % path)
    return value

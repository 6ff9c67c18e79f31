"""Dump the database and load a dump, with pg_dump and pg_restore."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from config.console.backup.archive import BackupError
from config.standalone import postgres
from config.standalone.folders import CannotStart

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


def dump(path: Path, *, snapshot: str) -> None:
    """Write the state of the database in a snapshot to ``path``. Raises BackupError."""
    left_out = [f"--exclude-table-data={table}" for table in _WITHOUT_ROWS]
    options = ("--format=custom", "--compress=1", "--no-owner", "--no-privileges", f"--snapshot={snapshot}")
    command = [str(_find("pg_dump")), *options, *left_out, f"--file={path}"]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise _failure("pg_dump", done.stderr)


def load(path: Path, *, then: str) -> None:
    """Load a dump into the empty database and run the statements ``then``, all in one transaction. Raises
    BackupError."""
    reading = [str(_find("pg_restore")), "--no-owner", "--no-privileges", "--file=-", str(path)]
    options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=said, env=_environment()) as restoring,
        subprocess.Popen(
            [str(_find("psql")), *options], stdin=subprocess.PIPE, stderr=said, env=_environment()
        ) as database,
    ):
        with suppress(BrokenPipeError):  # psql has ended with an error
            _write_script(restoring, cast(IO[bytes], database.stdin), then)
        if restoring.wait() or database.wait():
            said.seek(0)
            raise _failure("pg_restore", said.read().decode(errors="replace"))


def _write_script(restoring: "subprocess.Popen[bytes]", psql: IO[bytes], then: str) -> None:
    """Give psql the script of pg_restore in a transaction, and its end only when the script is complete."""
    with psql, cast(IO[bytes], restoring.stdout) as script:
        psql.write(b"BEGIN;\n")
        shutil.copyfileobj(script, psql)
        if restoring.wait() == 0:
            psql.write(f"\n{then}\nCOMMIT;\n".encode())


def _failure(program: str, said: str) -> BackupError:
    reason = " ".join(said.split())[-1_000:]
    return BackupError(_("%(program)s failed: %(reason)s") % {"program": program, "reason": reason})


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
    with suppress(CannotStart):  # the package is missing
        yield postgres.binaries()


def _major_version(program: Path) -> int:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0

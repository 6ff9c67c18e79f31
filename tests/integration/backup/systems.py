"""Systems of the tests of backups: each with a database and folders of its own, used through its commands."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from django.conf import settings

from tests.support.environment import TEMPLATE

KEYS = {
    "SECRET_KEY": "3d9f" * 16 + "-Zq_",
    "ENCRYPTION_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}
CONFIGURATION = """
connections:
  - name: Files
    destination: file
    environment: live
    credentials: {columns: name}
segments:
  - {name: Everyone, rules: {rules: []}}
"""


@dataclass(frozen=True)
class System:
    """One installation: the folder of its data and the environment of its commands."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=settings.BASE_DIR,
            # The socket of an embedded database is in the temporary folder when VAR_DIR has a long name.
            env={"TMPDIR": tempfile.gettempdir()} | self.environment | more,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def succeed(self, *command: str, **more: str) -> str:
        """Run a command that has to succeed. Returns what it says."""
        done = self.run(*command, **more)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def fail(self, *command: str, **more: str) -> str:
        """Run a command that has to fail with a sentence. Returns it."""
        done = self.run(*command, **more)
        assert done.returncode == 1, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stderr

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read rows of the database."""
        with (
            closing(psycopg2.connect(self.environment["DATABASE_URL"])) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(query)
            return cursor.fetchall()

    def execute(self, statement: str) -> None:
        """Change the database."""
        with closing(psycopg2.connect(self.environment["DATABASE_URL"])) as connection, connection:
            connection.cursor().execute(statement)

    def import_customers(self, *lines: str) -> str:
        """Import customers, each a line with an ID and a name, as a snapshot. Returns what the command says."""
        file = self.folder / "customers.csv"
        file.write_text("\n".join(["id,name", *lines, ""]), encoding="utf-8")
        return self.succeed("import_profiles", str(file), "--key", "id", "--source", "CRM", "--mode", "snapshot")


@contextmanager
def new_system(
    folder: Path, name: str, environment: Mapping[str, str] | None = None, *, is_migrated: bool = False
) -> Iterator[System]:
    """Make a system with a database that is empty or migrated, and is deleted afterwards."""
    url = os.environ["DATABASE_URL"]
    folder = folder / name
    folder.mkdir()
    system = System(
        folder,
        {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl(),
            "VAR_DIR": str(folder / "var"),
            **KEYS,
            **(environment or {}),
        },
    )
    has_template = "TEST_DATABASE_URL" not in os.environ
    template = TEMPLATE if is_migrated and has_template else "template1"
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            if is_migrated and not has_template:
                system.succeed("migrate", "--no-input")
            yield system
        finally:
            connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")

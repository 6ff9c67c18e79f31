"""Behind a real PgBouncer: a session of its own is fine, sessions that transactions share are refused."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from config.platform.pooling import check_pooling
from config.standalone.postgres import as_ordinary_user
from tests.integration.backup.systems import KEYS
from tests.support.postgres_server import postgres_server
from tests.support.waiting import wait_until
from tests.support.workers import free_port

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_server(tmp_path_factory.mktemp("server")) as url:
        yield url


@contextmanager
def pgbouncer(folder: Path, server: str, mode: str, *lines: str) -> Iterator[str]:
    """Run PgBouncer in front of the server; gives the address of the database."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    assert Path(program).exists(), "pgbouncer is missing: `make test` installs it."
    port, parts = free_port(), urlsplit(server)
    (folder / "users").write_text('"app" ""\n', encoding="ascii")
    options = [
        "[databases]",
        f"postgres = host={parts.hostname} port={parts.port}",
        "[pgbouncer]",
        f"listen_port = {port}",
        "listen_addr = 127.0.0.1",
        "unix_socket_dir =",
        "auth_type = trust",
        f"auth_file = {folder / 'users'}",
        f"pool_mode = {mode}",
        *lines,
    ]
    (folder / "ini").write_text("\n".join([*options, ""]), encoding="utf-8")
    with (folder / "log").open("wb") as log:
        command = [*as_ordinary_user(), program, str(folder / "ini")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: f":{port}" in (folder / "log").read_text(), tell=(folder / "log").read_text)
        yield f"postgres://app@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait(timeout=20)


def checked(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(folder / "var"), "DATABASE_URL": url, **KEYS}
    command = [sys.executable, "manage.py", "check", "--database", "default"]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


IGNORING = "ignore_startup_parameters = options,extra_float_digits"


@pytest.mark.parametrize(
    ("mode", "lines"),
    [("transaction", [IGNORING]), ("statement", [IGNORING]), ("session", []), ("transaction", [])],
)
def test_shared_sessions_are_refused(tmp_path: Path, server: str, mode: str, lines: list[str]) -> None:
    with pgbouncer(tmp_path, server, mode, *lines) as url:
        done = checked(tmp_path, url)
    assert done.returncode == 1
    assert "pooling.E001" in done.stderr
    assert "pool_mode = session" in done.stderr


def test_sessions_of_its_own_are_fine(tmp_path: Path, server: str) -> None:
    with pgbouncer(tmp_path, server, "session", IGNORING) as url:
        done = checked(tmp_path, url)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.django_db(transaction=True)
def test_postgresql_itself_is_fine() -> None:
    assert check_pooling(databases=["default"]) == []

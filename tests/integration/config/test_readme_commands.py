"""README's commands for a server without containers, run from its own text on Debian's PostgreSQL and Redis."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from django.conf import settings

from config.standalone.postgres import as_ordinary_user
from tests.support.waiting import wait_until
from tests.support.workers import free_port, redis_server

pytestmark = pytest.mark.processes

README = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")


def blocks_after(heading: str) -> list[list[str]]:
    """The commands of each block of README behind the sentence that begins with ``heading``."""
    _before, _heading, rest = README.partition(heading)
    assert _heading, f"README no longer says “{heading}”"
    return [block.strip().splitlines() for block in re.findall(r"```\n(.*?)```", rest, flags=re.DOTALL)]


def debian_postgres() -> Path:
    """The folder of the programs of Debian's newest PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found, "PostgreSQL is missing: `make test` installs it, or apt-get install postgresql."
    return found[-1]


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Run Debian's PostgreSQL with a cluster of its own; gives the address of an empty database."""
    programs, data, port = debian_postgres(), folder / "cluster", free_port()
    run = [*as_ordinary_user(), str(programs / "initdb"), "-D", str(data), "-U", "app", "--auth", "trust", "-N"]
    subprocess.run([*run, "--encoding", "UTF8", "--locale", "C.UTF-8"], check=True, capture_output=True)
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    command = [*as_ordinary_user(), str(programs / "postgres"), "-D", str(data), *options]
    with (folder / "postgres.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        ask = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
        wait_until(lambda: subprocess.run(ask, capture_output=True, check=False).returncode == 0)
        yield f"postgres://app@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)


def secrets_of_readme() -> dict[str, str]:
    """SECRET_KEY and ENCRYPTION_KEYS, made by README's own lines."""
    exports = [line for line in README.splitlines() if re.match(r"export (SECRET_KEY|ENCRYPTION_KEYS)=", line)]
    script = "\n".join([*exports, 'printf "%s\\n%s" "$SECRET_KEY" "$ENCRYPTION_KEYS"'])
    made = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True).stdout
    secret_key, encryption_keys = made.splitlines()
    return {"SECRET_KEY": secret_key, "ENCRYPTION_KEYS": encryption_keys}


def command(line: str) -> list[str]:
    """A line of README as an argument list, with this environment's programs."""
    return shlex.split(line.replace(".venv/bin/", f"{Path(sys.executable).parent}/"))


@contextmanager
def running(line: str, environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(line), cwd=settings.BASE_DIR, env=environment, stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_a_server_without_containers_is_ready_after_readmes_commands(tmp_path: Path) -> None:
    before, programs, *_rest = blocks_after("Without containers, with `SECRET_KEY`")
    with ExitStack() as held:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        environment = {
            "PATH": os.environ["PATH"],
            **secrets_of_readme(),
            "DATABASE_URL": held.enter_context(postgres_server(tmp_path)),
            "REDIS_URL": held.enter_context(redis_server(tmp_path)),
            "VAR_DIR": str(tmp_path / "var"),
            "PORT": str(port),
        }
        for line in before:
            done = subprocess.run(
                command(line), cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        logs = [tmp_path / f"program-{number}.log" for number in range(len(programs))]
        for line, log in zip(programs, logs, strict=True):
            held.enter_context(running(line, environment, log))

        def is_ready() -> bool:
            try:
                return requests.get(f"{address}/readyz", timeout=10).status_code == 200
            except requests.ConnectionError:
                return False

        wait_until(is_ready, seconds=60, tell=lambda: "\n".join(log.read_text() for log in logs))
        page = requests.get(f"{address}/", timeout=10)
        assert page.status_code == 200
        assert "Sign in" in page.text

"""README's commands for a server without containers, run from its own text on Debian's PostgreSQL and Redis."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.support.postgres_server import postgres_server
from tests.support.waiting import wait_until
from tests.support.workers import free_port, redis_server

pytestmark = pytest.mark.processes

README = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")


def blocks_after(heading: str) -> list[list[str]]:
    """The commands of each block of README behind the sentence that begins with ``heading``."""
    _before, _heading, rest = README.partition(heading)
    assert _heading, f"README no longer says “{heading}”"
    return [block.strip().splitlines() for block in re.findall(r"```\n(.*?)```", rest, flags=re.DOTALL)]


def secrets_of_example() -> dict[str, str]:
    """SECRET_KEY and ENCRYPTION_KEYS, made by the commands that .env.example gives."""
    example = (settings.BASE_DIR / ".env.example").read_text(encoding="utf-8")
    made = {}
    for command, name in re.findall(r"^# .*?(python3 -c '.*')\n([A-Z_]+)=$", example, flags=re.MULTILINE):
        made[name] = subprocess.run(
            ["bash", "-c", command], check=True, capture_output=True, text=True
        ).stdout.strip()
    return {"SECRET_KEY": made["SECRET_KEY"], "ENCRYPTION_KEYS": f"k1:{made['ENCRYPTION_KEYS']}"}


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
            **secrets_of_example(),
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

"""README's three commands for docker-compose, replayed without an engine: the values of .env, then each service's
command in its environment, on Debian's PostgreSQL, Redis and docker-compose. Images and containers are not."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.conf import settings

from tests.integration.config.test_readme_commands import blocks_after, secrets_of_example
from tests.support.postgres_server import postgres_server
from tests.support.waiting import wait_until
from tests.support.workers import free_port

pytestmark = pytest.mark.processes

ROOT = settings.BASE_DIR
PASSWORDS = {"DATABASE_OWNER_PASSWORD": "one1", "DATABASE_PASSWORD": "two2", "REDIS_PASSWORD": "three3"}
PROGRAMS = ("web", "jobs", "control", "beat")


def test_readme_has_three_commands() -> None:
    (commands, *_rest) = blocks_after("Three commands, after the values")
    assert commands == [
        "cp .env.example .env",
        "docker-compose up -d",
        "docker-compose run --rm web python manage.py create_administrator",
    ]


@dataclass
class Shape:
    """What docker-compose makes of docker-compose.yml and .env, and where the replay differs from it."""

    services: dict[str, dict[str, Any]]
    folder: Path
    port: int
    database: str  # host and port
    redis: str

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a service, with the hosts and folders of this machine."""
        given = {key: str(value) for key, value in self.services[name]["environment"].items() if value is not None}
        text = json.dumps(given).replace("@db:5432/segment_exports", f"@{self.database}/postgres")
        text = text.replace("@redis:6379", f"@{self.redis}")
        made: dict[str, str] = json.loads(text)
        here = {"VAR_DIR": str(self.folder / "data"), "STATIC_ROOT": str(self.folder / "collected")}
        return {"PATH": os.environ["PATH"], **made, **here, "TRUSTED_PROXIES": "127.0.0.1", "PORT": str(self.port)}

    def command(self, line: str | list[str]) -> list[str]:
        """A command of a service with this environment's programs and port."""
        words = line.split() if isinstance(line, str) else line
        words = [word.replace("0.0.0.0:8000", f"127.0.0.1:{self.port}") for word in words]
        words = [word.replace("127.0.0.1:8000/", f"127.0.0.1:{self.port}/") for word in words]
        own = Path(sys.executable).parent / words[0]
        return [str(own), *words[1:]] if own.exists() else words

    def is_ready(self) -> bool:
        """Whether every part says that it works."""
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=10).status_code == 200
        except requests.ConnectionError:
            return False

    def run(self, name: str, line: str | list[str], **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(line),
            cwd=ROOT,
            env=self.environment(name) | more,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def resolved(folder: Path) -> dict[str, dict[str, Any]]:
    """Fill in .env as README says, and let docker-compose resolve its file with it."""
    shutil.copy(ROOT / "docker-compose.yml", folder)
    filled = {"SITE_HOST": "exports.example.com", **secrets_of_example(), **PASSWORDS}
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name, value in filled.items():
        text, count = re.subn(rf"^{name}=$", f"{name}={value}", text, flags=re.MULTILINE)
        assert count == 1, f".env.example has no line “{name}=” to fill in"
    assert re.findall(r"^[A-Z_]+=$", text, flags=re.MULTILINE) == []
    (folder / ".env").write_text(text, encoding="utf-8")
    told = subprocess.run(
        ["docker-compose", "config"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    services: dict[str, dict[str, Any]] = yaml.safe_load(told.stdout)["services"]
    return services


@contextmanager
def redis_of(services: dict[str, dict[str, Any]], folder: Path) -> Iterator[str]:
    """Run Redis by its service's own command."""
    port = free_port()
    shell, option, line = services["redis"]["command"]
    line = line.replace("$$", "$") + f" --port {port} --bind 127.0.0.1 --dir {folder}"
    environment = {"PATH": os.environ["PATH"], **services["redis"]["environment"]}
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen([shell, option, line], env=environment, stdout=log, stderr=log)
    try:
        ask = ["redis-cli", "-p", str(port), "--no-auth-warning", "-a", PASSWORDS["REDIS_PASSWORD"], "ping"]
        wait_until(lambda: "PONG" in subprocess.run(ask, capture_output=True, text=True, check=False).stdout)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def program(shape: Shape, name: str, line: str | list[str]) -> Iterator[Path]:
    log = shape.folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            shape.command(line), cwd=ROOT, env=shape.environment(name), stdout=output, stderr=output
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(timeout=90)


def test_the_services_become_healthy_and_the_first_user_signs_in(tmp_path: Path) -> None:
    services = resolved(tmp_path)
    image_command = re.search(r"^CMD (\[\"gunicorn.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert image_command
    with ExitStack() as held:
        address = held.enter_context(postgres_server(tmp_path))
        host = re.search(r"@([\d.:]+)/", address)
        assert host
        _create_owner(address)
        shape = Shape(services, tmp_path, free_port(), host[1], held.enter_context(redis_of(services, tmp_path)))
        # As in the image: static files are collected while it is built.
        assert shape.run("web", "python manage.py collectstatic --no-input --verbosity 0").returncode == 0
        migrated = shape.run("migrate", services["migrate"]["command"])
        assert migrated.returncode == 0, migrated.stderr
        lines = {name: services[name].get("command") or json.loads(image_command[1]) for name in PROGRAMS}
        logs = [held.enter_context(program(shape, name, line)) for name, line in lines.items()]

        wait_until(shape.is_ready, seconds=90, tell=lambda: "\n".join(log.read_text() for log in logs))
        for name in PROGRAMS:
            healthy = shape.run(name, services[name]["healthcheck"]["test"][1:])
            assert healthy.returncode == 0, (name, healthy.stderr)
        _create_administrator_and_sign_in(shape)


def _create_owner(address: str) -> None:
    """The role that PostgreSQL's image makes of POSTGRES_USER: a superuser."""
    statement = f"CREATE ROLE owner SUPERUSER LOGIN PASSWORD '{PASSWORDS['DATABASE_OWNER_PASSWORD']}'"
    subprocess.run(["psql", address, "--command", statement], check=True, capture_output=True)


def _create_administrator_and_sign_in(shape: Shape) -> None:
    password = "a-long-password"
    (*_others, line) = blocks_after("Three commands, after the values")[0]
    told = line.removeprefix("docker-compose run --rm web ").split()
    made = shape.run(
        "web",
        [*told, "--username", "dora", "--name", "Dora", "--email", "dora@example.com"],
        ADMINISTRATOR_PASSWORD=password,
    )
    assert made.returncode == 0, made.stderr
    site = f"http://127.0.0.1:{shape.port}/accounts/sign-in/"
    behind_proxy = {"Host": "exports.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    page = requests.get(site, headers=behind_proxy, timeout=10)
    assert page.status_code == 200
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in page.cookies)
    answer = requests.post(
        site,
        data={"username": "dora", "password": password, "csrfmiddlewaretoken": token[1]},
        headers=behind_proxy | {"Cookie": cookies, "Referer": "https://exports.example.com/"},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 302
    assert "__Host-segment_exports=" in answer.headers["Set-Cookie"]

"""The pages, served by real processes that can be killed."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
from django.conf import settings
from django.test import Client, override_settings

from config.platform.accounts.models import User
from config.standalone import programs
from tests.support.waiting import wait_until
from tests.support.workers import environment_of_processes, free_port

_TOKEN = "t" * 32


class Web:
    """Gunicorn and its children, and a person who is signed in."""

    def __init__(self, folder: Path, port: int, environment: Mapping[str, str], person: requests.Session) -> None:
        self._folder = folder
        self.port = port
        self.address = f"http://127.0.0.1:{port}"
        self._environment = environment
        self._person = person
        with override_settings(PORT=port, WEB_PROCESSES=1):
            self._command = programs.web().command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=settings.BASE_DIR,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, tell=self._log)

    def kill(self) -> None:
        """All of it at once, by -9."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=10)
            self._process = None

    def post(self, path: str) -> requests.Response:
        """As a form of our pages does, answers included that lead elsewhere."""
        token = {"csrfmiddlewaretoken": _TOKEN}
        return self._person.post(self.address + path, data=token, timeout=60, allow_redirects=False)

    def post_in_vain(self, path: str) -> None:
        """Post to a process that dies before it answers."""
        with suppress(requests.ConnectionError):
            self.post(path)

    def _log(self) -> str:
        return (self._folder / "web.log").read_text(encoding="utf-8", errors="replace")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log()
        try:
            return self._person.get(f"{self.address}/healthz", timeout=10).ok
        except requests.ConnectionError:
            return False


@contextmanager
def web_process(folder: Path, user: User) -> Iterator[Web]:
    """The pages, where ``user`` is signed in already; gone with the block."""
    with requests.Session() as person:
        person.trust_env = False
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        person.cookies.update({settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: _TOKEN})
        web = Web(folder, free_port(), environment_of_processes(folder), person)
        try:
            web.start()
            yield web
        finally:
            web.kill()

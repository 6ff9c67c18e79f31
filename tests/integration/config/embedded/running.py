"""Starts `manage.py up` as a person would, for the tests of this folder."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from config.standalone import leftovers
from tests.support.waiting import PATIENCE_SECONDS
from tests.support.workers import free_port


class Up:
    """A running `up`; ``lines`` is what it has printed so far."""

    def __init__(self, var_dir: Path, *arguments: str, **environment: str) -> None:
        self.var_dir = var_dir
        self.port = int(environment.get("PORT") or free_port())
        left_out = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "ALLOWED_HOSTS")
        inherited = {name: value for name, value in os.environ.items() if name not in left_out}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *arguments],
            cwd=settings.BASE_DIR,
            env={**inherited, "VAR_DIR": str(var_dir), "PORT": str(self.port), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, words: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Until it says ``words``."""
        deadline = time.monotonic() + seconds
        while not any(words in line for line in self.lines):
            assert time.monotonic() < deadline, f"never said “{words}”:\n{self.said}"
            assert self.process.poll() is None, f"ended before it said “{words}”:\n{self.said}"
            time.sleep(0.05)

    def wait_for_end(self, seconds: float = PATIENCE_SECONDS) -> int:
        code = self.process.wait(timeout=seconds)
        self._reader.join(timeout=10)
        return code

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.wait_for_end()

    def kill(self) -> None:
        self.process.kill()
        self.wait_for_end()

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    @property
    def records(self) -> dict[str, leftovers.Record]:
        return {record.name: record for record in leftovers.read(self.var_dir / "processes.json")}

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                self.lines.append(line.rstrip())


@contextmanager
def up(var_dir: Path, *arguments: str, **environment: str) -> Iterator[Up]:
    """Whatever happens in the block, it is gone afterwards."""
    running = Up(var_dir, *arguments, **environment)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                running.stop()
            running.kill()


def living(records: dict[str, leftovers.Record]) -> list[str]:
    """The names of those whose processes, or members of their groups, still live."""
    return [record.name for record in records.values() if any(leftovers.living(record))]


def wait_until_none_lives(records: dict[str, leftovers.Record], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while living(records):
        assert time.monotonic() < deadline, f"still alive: {living(records)}"
        time.sleep(0.05)

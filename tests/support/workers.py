"""Real worker processes against the test database, for tests marked ``processes`` (they need
``django_db(transaction=True)``: other processes see only what is committed)::

    with worker_processes(tmp_path, broker="redis", env={"LEASE_SECONDS": "2"}) as workers:
        …
        workers.kill("jobs")    # by -9, as a crash does
        workers.start("jobs")

While the block lasts this process sends messages to those workers, and shares their cache and upload folder.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import kombu.pools
from django.conf import settings
from django.db import connection
from django.test import override_settings

from config.celery import app
from config.platform.cache import in_redis
from config.platform.jobs import heartbeat
from config.standalone import broker as folder_broker
from config.standalone import programs
from config.standalone.folders import make_private

_LAUNCHER = Path(programs.__file__).with_name("launcher.py")
_SECOND = "-2"
NOTHING_MORE: Mapping[str, str] = {}
# What a test may have changed in this process, and the workers must know as well.
_SHARED_SETTINGS = (
    "CAMPAIGN_MONITOR_API_URL",
    "CAMPAIGN_MONITOR_READ_SECONDS",
    "CAMPAIGN_MONITOR_SANDBOX_URL",
    "LEASE_SECONDS",
    "MAX_PROFILES_PER_EXPORT",
    "PROFILE_STORE",
    "SLICE_SECONDS",
)


class Workers:
    """The processes ``control``, ``jobs`` and ``beat``; their numbers in ``pids``. ``twice`` names those of which
    there is a second, called ``beat-2`` and so on, and what its environment has on top."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        twice: Mapping[str, Mapping[str, str]],
        before: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._before = before
        self._environment = dict(environment)
        self._of_the_second = {f"{name}{_SECOND}": more for name, more in twice.items()}
        self._programs = {
            program.name: program
            for program in (programs.worker("control", 2), programs.worker("jobs", 4), programs.beat())
        }
        self._programs |= {f"{name}{_SECOND}": self._programs[name] for name in twice}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}

    def start_all(self) -> None:
        for name in self._programs:
            self._spawn(name)
        for name in self._programs:
            self._wait_until_ready(name)

    def start(self, name: str, **environment: str) -> None:
        """Start it, again or not, with ``environment`` on top of what it has, and wait until it works."""
        self._spawn(name, environment)
        self._wait_until_ready(name)

    def add_host(self, host: str) -> None:
        """Start the worker of jobs on a further host: in a group of processes that has this host name."""
        name = f"jobs@{host}"
        self._programs[name] = self._programs["jobs"]
        self._spawn(name, before=_named_host(host))
        self._wait_until_ready(name)

    def kill_host(self, host: str) -> None:
        """End the worker of a further host by -9, as a power cut does."""
        self.kill(f"jobs@{host}")

    def restart_killed(self) -> None:
        """Let all of them run again, whatever a test has done to them."""
        ended = [name for name in self._programs if not self._runs(name)]
        for name in self._programs.keys() - ended:
            self.thaw(name)
        for name in ended:
            self._spawn(name)
        for name in ended:
            self._wait_until_ready(name)

    def freeze(self, name: str) -> None:
        """Let it do nothing until it thaws, and not even notice."""
        self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGCONT)

    def kill(self, name: str) -> None:
        """End it by -9: it gets to do nothing more."""
        process = self._processes.pop(name)
        process.kill()
        process.wait(timeout=10)

    def kill_all(self) -> None:
        """The quick end."""
        for name in list(self._processes):
            self.kill(name)

    def stop(self) -> None:
        """Ask all processes to end; those that do not are killed."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)
        self._processes.clear()

    def log(self, name: str) -> str:
        """What it has written so far."""
        return self._log_path(name).read_text(encoding="utf-8", errors="replace")

    def _runs(self, name: str) -> bool:
        return name in self._processes and self._processes[name].poll() is None

    def _spawn(self, name: str, environment: Mapping[str, str] = NOTHING_MORE, before: Sequence[str] = ()) -> None:
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(signal.SIGKILL))]
        with self._log_path(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*self._before, *launcher, *before, *self._programs[name].command],
                cwd=settings.BASE_DIR,
                env={**self._environment, **self._of_the_second.get(name, {}), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_ready(self, name: str) -> None:
        """A worker gives signs of life itself; beat's arrive through the worker of ``control``."""
        process, deadline = self._processes[name], time.monotonic() + 120
        while True:
            signs = heartbeat.known(name.partition("@")[0].removesuffix(_SECOND))
            if any(
                sign.is_alive and (name.startswith(heartbeat.BEAT) or sign.pid == process.pid) for sign in signs
            ):
                return
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start:\n{self.log(name)}")
            time.sleep(0.05)

    def _log_path(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _named_host(host: str) -> list[str]:
    """Return what stands in front of a command line to give its processes a host name of their own, as root."""
    return ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host]


@contextmanager
def worker_processes(
    var_dir: Path,
    broker: Literal["folder", "redis"] = "folder",
    env: Mapping[str, str] | None = None,
    twice: Mapping[str, Mapping[str, str]] | None = None,
    before: Sequence[str] = (),
) -> Iterator[Workers]:
    """Start the workers and beat on ``var_dir``, with ``env`` on top of the present environment and ``before`` in
    front of their command lines, and end them with the block."""
    if connection.in_atomic_block:
        raise RuntimeError("Real workers see only what is committed: use django_db(transaction=True).")
    make_private(var_dir)
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server(var_dir)) if broker == "redis" else ""
        stack.enter_context(_this_process_too(var_dir, redis_url))
        environment = {**environment_of_processes(var_dir, redis_url), **(env or {})}
        workers = Workers(var_dir, environment, twice or {}, before)
        stack.callback(workers.kill_all)
        workers.start_all()
        yield workers


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of its own on a free port; gives its address."""
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError("redis-server is missing: `make test` installs it, or apt-get install redis-server.")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen([program, *options, "--dir", str(folder)], stdout=log, stderr=log)
    try:
        _wait_for_port(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=20)


def free_port() -> int:
    """Find a port of loopback that no process uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def messages_of(queue: str) -> list[Path]:
    """The files in which the messages wait that are for ``queue``, while the broker is a folder."""
    return sorted(Path(settings.BROKER_FOLDER).glob(f"[!.]*.{queue}.msg"))


def database_url_of_tests() -> str:
    """The address of the test database, for other processes."""
    name = connection.settings_dict["NAME"]
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def environment_of_processes(var_dir: Path, redis_url: str = "") -> dict[str, str]:
    """What a process of the product has to be told so that it works on the test database and on ``var_dir``; it
    ticks twice as often as usual, since tests wait for ticks."""
    shared = {name: str(getattr(settings, name)) for name in _SHARED_SETTINGS}
    own = {"VAR_DIR": str(var_dir), "DATABASE_URL": database_url_of_tests(), "REDIS_URL": redis_url}
    return {**os.environ, **shared, **own, "TICK_MILLISECONDS": "1000", "PYTHONUNBUFFERED": "1"}


@contextmanager
def _this_process_too(var_dir: Path, redis_url: str) -> Iterator[None]:
    """Send messages to those workers, and share their cache and upload folder."""
    folder = var_dir / "broker"
    changed: dict[str, Any] = {"BROKER_FOLDER": folder, "UPLOAD_DIR": var_dir / "uploads", "REDIS_URL": redis_url}
    if redis_url:
        changed["CACHES"] = {"default": in_redis(redis_url)}
    address = redis_url or f"{folder_broker.SCHEME}://"
    options = {} if redis_url else folder_broker.transport_options(folder)
    with override_settings(**changed), _broker(address, options):
        heartbeat.forget_all()
        yield


@contextmanager
def _broker(address: str, options: dict[str, Any]) -> Iterator[None]:
    before = app.conf.broker_url, app.conf.broker_transport_options
    _speak_to(address, options)
    try:
        yield
    finally:
        _speak_to(*before)


def _speak_to(address: str, options: dict[str, Any]) -> None:
    kombu.pools.reset()
    app.conf.update(broker_url=address, broker_transport_options=options)
    app._pool = None  # type: ignore[attr-defined]  # made again, for the new address
    app.amqp._producer_pool = None  # type: ignore[attr-defined]


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server did not start: see redis.log in its folder.") from error
            time.sleep(0.05)
        else:
            return

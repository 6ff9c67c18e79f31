"""Build the command lines of the programs that `up` runs, check their ports, and ask whether they are ready."""

import errno
import http.client
import json
import signal
import socket
import sys
from contextlib import closing, suppress

from django.conf import settings

from config.checks import LOOPBACK
from config.standalone import postgres
from config.standalone.folders import CannotStart, socket_dir
from config.standalone.supervisor import Program

_MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))
_CELERY = (sys.executable, "-m", "celery", "--app", "config.celery")


def database() -> Program:
    """Return PostgreSQL, which ends quickly but cleanly even when `up` is killed."""
    return Program(
        "postgres",
        postgres.command(settings.VAR_DIR / "postgres", socket_dir(settings.VAR_DIR)),
        before=postgres.as_ordinary_user(),
        stop=((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0)),
        death_signal=signal.SIGINT,
        needed_by_others=True,
    )


def web() -> Program:
    """Return the pages: gunicorn's processes, which read requests with waitress."""
    gunicorn = (sys.executable, "-m", "gunicorn", "--config", str(settings.BASE_DIR / "config" / "gunicorn.py"))
    address = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
    bind = ("--bind", f"{address}:{settings.PORT}")
    return Program("web", [*gunicorn, *bind, "--workers", str(settings.WEB_PROCESSES), "config.wsgi"])


def worker(queue: str, threads: int) -> Program:
    """Return the worker process of one queue."""
    return Program(
        queue,
        [
            *(*_CELERY, "--quiet", "worker", "--pool", "threads", "--concurrency", str(threads)),
            *("--queues", queue, "--hostname", f"{queue}@%h", "--loglevel", settings.LOG_LEVEL),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
    )


def beat() -> Program:
    """Return Celery's beat, which sends the ticks."""
    return Program("beat", [*_CELERY, "--quiet", "beat", "--loglevel", settings.LOG_LEVEL])


def seed() -> Program:
    """Return the command that fills the demo once; on later starts it changes nothing."""
    return Program("seed_demo", [*_MANAGE, "seed_demo"])


def all_programs() -> list[Program]:
    """Return everything that runs beside the database."""
    found = [web(), worker("control", 2), worker("jobs", settings.WORK_THREADS), beat()]
    if settings.DEMO:
        sandbox = [*_MANAGE, "run_campaign_monitor_sandbox", "--port", str(settings.SANDBOX_PORT)]
        found.append(Program("sandbox", sandbox))
    return found


def check_ports() -> None:
    """Raise CannotStart when a port that we need is not to be had."""
    _check_port(settings.HOST, settings.PORT, "PORT")
    if settings.DEMO:
        _check_port("127.0.0.1", settings.SANDBOX_PORT, "SANDBOX_PORT")


def _check_port(host: str, port: int, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            problem = (
                f"is in use. Choose another one with {setting}" if taken else f"cannot be used: {error.strerror}"
            )
            raise CannotStart(f"Port {port} of {host} {problem}.") from error


class Readiness:
    """Ask the pages whether all parts are ready; ``missing`` names those that were not in the last answer."""

    missing = ""

    def __call__(self) -> bool:
        return self._pages() and (not settings.DEMO or _accepts("127.0.0.1", settings.SANDBOX_PORT))

    def _pages(self) -> bool:
        connection = http.client.HTTPConnection(_reachable_host(), settings.PORT, timeout=5)
        try:
            connection.request("GET", "/readyz", headers={"Host": "localhost"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            found = json.loads(body)["checks"]
            self.missing = " ".join(f"{name}: {it['message']}" for name, it in found.items() if not it["ok"])
        return answer.status == http.client.OK


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _reachable_host() -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104


def shown_host() -> str:
    """Return the host to show in the address of the pages."""
    return "localhost" if settings.HOST in LOOPBACK else _reachable_host()

"""Build the command lines of the programs that `up` runs."""

import signal
import sys

from django.conf import settings

from config.standalone import postgres
from config.standalone.folders import socket_dir
from config.standalone.supervisor import Program

_MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))
_CELERY = (sys.executable, "-m", "celery", "--app", "config.celery")


def database() -> Program:
    """PostgreSQL, which ends quickly but cleanly even when `up` is killed."""
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
    """Return the clock that ticks."""
    return Program("beat", [*_CELERY, "--quiet", "beat", "--loglevel", settings.LOG_LEVEL])


def sandbox() -> Program:
    """Return a Campaign Monitor to run against."""
    return Program("sandbox", [*_MANAGE, "run_campaign_monitor_sandbox", "--port", str(settings.SANDBOX_PORT)])


def seed() -> Program:
    """Fills the demo, once; on later starts it finds everything there."""
    return Program("seed_demo", [*_MANAGE, "seed_demo"])


def all_of_them() -> list[Program]:
    """Return everything that runs beside the database."""
    demo = [sandbox()] if settings.DEMO else []
    return [web(), worker("control", 2), worker("jobs", settings.WORK_THREADS), beat(), *demo]

"""Start the whole system on one machine (`manage.py up`): settings, folders, PostgreSQL, migrations, static files,
then all processes.

Static files are collected when they changed, which a fingerprint of names, sizes and times tells at once.
"""

import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core import checks
from django.core.management import call_command
from django.db import OperationalError, connections

from config.console.health import migration_counts
from config.platform.accounts import first_account
from config.platform.accounts.actions import administrators
from config.platform.accounts.models import User
from config.platform.jobs import heartbeat
from config.standalone import broker, folders, leftovers, postgres, programs
from config.standalone.folders import CannotStart, only_one
from config.standalone.leftovers import Records
from config.standalone.supervisor import Output, Supervisor
from segments.store import engine
from segments.store.identity import StoreMismatch


def collect_static_files() -> bool:
    """Collect them unless those collected last are still the same; whether it was necessary."""
    fingerprint_file = settings.VAR_DIR / "static.fingerprint"
    current = _fingerprint_of_static_files()
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists() and fingerprint_file.exists() and fingerprint_file.read_text(encoding="ascii") == current:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    fingerprint_file.write_text(current, encoding="ascii")
    return True


def _fingerprint_of_static_files() -> str:
    digest = hashlib.sha256(f"{settings.VERSION} {settings.STATIC_ROOT}".encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = os.stat(storage.path(name))
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


_READY_WITHIN_SECONDS = 90.0


class Stopped(Exception):
    """A signal asked the process to stop."""


def run(output: Output) -> None:
    """Start everything, watch over it, and stop it all on Ctrl-C or SIGTERM; raises CannotStart."""
    os.umask(0o077)
    _check_settings()
    with only_one(settings.VAR_DIR):
        _end_leftovers(output)
        programs.check_ports()
        supervisor = Supervisor(
            environment=_environment(),
            folder=settings.BASE_DIR,
            records=Records(_records_path()),
            output=output,
        )
        with _signals(supervisor), suppress(Stopped):
            _start(supervisor, output)
            while True:
                supervisor.watch_for(1.0)
        folders.forget_socket_dir(settings.VAR_DIR)


def _start(supervisor: Supervisor, output: Output) -> None:
    if settings.EMBEDDED:
        _start_postgres(supervisor, output)
    _prepare(output)
    for program in programs.all_programs():
        supervisor.start(program)
    readiness = programs.Readiness()
    try:
        supervisor.wait_until(readiness, what="The system", seconds=_READY_WITHIN_SECONDS, every=0.3)
    except CannotStart as error:
        raise CannotStart(f"{error} {readiness.missing}".strip()) from error
    if settings.DEMO and supervisor.run_once(programs.seed()) != 0:
        raise CannotStart("The demo data could not be created (seed_demo failed). See the messages above.")
    _welcome(output)


def _check_settings() -> None:
    for found in checks.run_checks(tags=["house"]):
        if found.is_serious():
            raise CannotStart(f"{found.msg} {found.hint}")


def _end_leftovers(output: Output) -> None:
    """End what a killed `up` left behind: its folder is locked by this one now."""
    ended = leftovers.end(leftovers.read(_records_path()))
    if ended:
        output.write("up", f"Stopped processes of an earlier start: {', '.join(ended)}.")
    broker.delete_unfinished(settings.BROKER_FOLDER)


def _start_postgres(supervisor: Supervisor, output: Output) -> None:
    postgres.check_user()
    data, sockets = settings.VAR_DIR / "postgres", folders.socket_dir(settings.VAR_DIR)
    folders.make_own(sockets)
    if not data.exists():
        output.write("up", f"Creating a database in {data}…")
    postgres.prepare(data, sockets)
    supervisor.start(programs.database())
    supervisor.wait_until(lambda: postgres.is_ready(data), what="PostgreSQL", seconds=60, patience=1)
    postgres.make_database(sockets)


def _prepare(output: Output) -> None:
    broker.check(settings.REDIS_URL)
    if applied := _update_database():
        output.write("up", f"Updated the database ({applied} migrations).")
    for found in checks.run_checks(tags=["pooling", "keyring", "profile_store"], databases=["default"]):
        raise CannotStart(found.msg)
    if settings.DEMO and not settings.EMBEDDED and _has_only_real_accounts():
        raise CannotStart("The demo needs a separate database. The database in DATABASE_URL has real accounts.")
    collect_static_files()
    engine.close()
    connections.close_all()  # the programs have their own


def _update_database() -> int:
    """Apply the migrations that are missing, make the table of the cache, and forget old heartbeats. Returns how
    many migrations there were; raises CannotStart when the database does not answer."""
    try:
        _applied, missing = migration_counts()
        if missing:
            call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        heartbeat.forget_all()
    except StoreMismatch as error:
        raise CannotStart(str(error)) from None
    except OperationalError as error:
        reason = " ".join(str(error).split())
        where = "The database" if settings.EMBEDDED else "The database in DATABASE_URL"
        raise CannotStart(f"{where} cannot be used: {reason}") from error
    return missing


def _has_only_real_accounts() -> bool:
    """Return whether there are accounts, and none of the demo's."""
    return User.objects.exists() and not User.objects.filter(is_demo=True).exists()


def _environment() -> dict[str, str]:
    """Return the environment of the programs, whatever started them and from where."""
    own = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEMO": "yes" if settings.DEMO else "no",
        "VAR_DIR": str(settings.VAR_DIR.parent if settings.DEMO else settings.VAR_DIR),
        "SANDBOX_PORT": str(settings.SANDBOX_PORT),
        "CAMPAIGN_MONITOR_SANDBOX_URL": settings.CAMPAIGN_MONITOR_SANDBOX_URL,
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **own}


def _welcome(output: Output) -> None:
    lines = [
        "",
        f"{settings.PRODUCT_NAME} {settings.VERSION} is ready: http://{programs.shown_host()}:{settings.PORT}/",
    ]
    if settings.DEMO:
        lines += [
            f"Campaign Monitor sandbox: {settings.CAMPAIGN_MONITOR_SANDBOX_URL}/",
            "Sign in as admin, contributor or viewer with the password “demo”.",
        ]
    elif not administrators().exists():
        python = os.path.relpath(sys.executable, settings.BASE_DIR)
        lines += [
            f"There is no administrator yet. Create the first account: {first_account.make_link(_base_url())}",
            f"The link works once, within three days. In a terminal: {python} manage.py create_administrator",
        ]
    lines += [f"Data: {settings.VAR_DIR} · Press Ctrl+C to stop.", ""]
    connections.close_all()
    output.write("up", "\n".join(lines))


def _base_url() -> str:
    """Return the address that links begin with."""
    shown = f"http://{programs.shown_host()}:{settings.PORT}"
    return settings.PUBLIC_URL if settings.PUBLIC_URL_IS_GIVEN else shown


def _records_path() -> Path:
    return Path(settings.VAR_DIR) / "processes.json"


@contextmanager
def _signals(supervisor: Supervisor) -> Iterator[None]:
    """Handle signals: the first raises Stopped; while stopping, a further one skips the waiting. However the block
    ends, everything is stopped after it."""
    stopping = False

    def hear(_: int, __: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            supervisor.skip_waiting.set()
            return
        stopping = True
        raise Stopped

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        stopping = True
        supervisor.stop()
        for number, handler in before.items():
            signal.signal(number, handler)

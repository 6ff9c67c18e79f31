"""Let a command use the embedded PostgreSQL while `up` does not run."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext as _

from config.standalone import folders, postgres
from config.standalone.folders import CannotStart, only_one

_START_SECONDS = 60


@contextmanager
def running_database(*, alone: bool = False) -> Iterator[None]:
    """Start the embedded PostgreSQL for the block, unless `up` runs it already or the database is another server.
    ``alone``: no program of the system may run. Raises CannotStart."""
    data = settings.VAR_DIR / "postgres"
    if not settings.EMBEDDED or (not alone and _is_up_running()):
        yield
        return
    os.umask(0o077)
    with only_one(settings.VAR_DIR):
        postgres.check_user()
        sockets = folders.socket_dir(settings.VAR_DIR)
        folders.make_own(sockets)
        postgres.prepare(data, sockets)
        command = [*postgres.as_ordinary_user(), *postgres.command(data, sockets)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                _wait_until_ready(server)
                postgres.make_database(sockets)
                yield
            finally:
                connections.close_all()
                server.send_signal(signal.SIGINT)
        folders.forget_socket_dir(settings.VAR_DIR)


def _is_up_running() -> bool:
    try:
        with only_one(settings.VAR_DIR):
            return False
    except CannotStart:
        return True


def _wait_until_ready(server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not postgres.is_ready(settings.VAR_DIR / "postgres"):
        if server.poll() is not None or time.monotonic() > deadline:
            raise CannotStart(_("PostgreSQL did not start. Start the system with `manage.py up` to see why."))
        time.sleep(0.05)

"""Let a command use the embedded PostgreSQL while `up` does not run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections

from config.standalone import folders, postgres
from config.standalone.folders import CannotStart, only_one


@contextmanager
def running_database(*, alone: bool = False) -> Iterator[None]:
    """Start the embedded PostgreSQL for the block, unless `up` runs it already or the database is another server.
    ``alone``: no program of the system may run. Raises CannotStart."""
    if not settings.EMBEDDED or (not alone and _is_up_running()):
        yield
        return
    os.umask(0o077)
    with only_one(settings.VAR_DIR):
        postgres.check_user()
        data, sockets = settings.VAR_DIR / "postgres", folders.socket_dir(settings.VAR_DIR)
        folders.make_own(sockets)
        postgres.prepare(data, sockets)
        server = postgres.PostgresProcess(data, sockets, settings.VAR_DIR / "postgres.log")
        try:
            server.start(durable=True)
            postgres.make_database(sockets)
            yield
        finally:
            connections.close_all()
            server.stop()
        folders.forget_socket_dir(settings.VAR_DIR)


def _is_up_running() -> bool:
    try:
        with only_one(settings.VAR_DIR):
            return False
    except CannotStart:
        return True

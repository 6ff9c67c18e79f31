"""Hold the lock of the profile store's writers, an advisory lock of PostgreSQL.

The lock is in Django's session and the commit in one of DuckDB's. When a writer is killed, the lock may end before
PostgreSQL has finished the commit that it was given; so the next writer waits for that as well.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError
from django.db import connection as database

WRITER_LOCK = 7_365_676_102
_PURGE_LOCK = 7_365_676_103
SESSION_NAME = "profile store"  # of DuckDB's sessions in PostgreSQL
_POLL_SECONDS = 0.02


def do_nothing() -> None:
    """Do nothing while a writer waits for another."""


@contextmanager
def writer_lock(waiting: Callable[[], None] = do_nothing) -> Iterator[None]:
    """Hold the lock of writers, in Django's session: it ends with the process, if that is killed. ``waiting`` is
    called while another writer has the lock, and may raise to give up. Locks may be nested."""
    while not _call("pg_try_advisory_lock", WRITER_LOCK):
        waiting()
        time.sleep(_POLL_SECONDS)
    try:
        while _a_commit_is_under_way():
            waiting()
            time.sleep(_POLL_SECONDS)
        yield
    except BaseException:
        with suppress(DatabaseError):  # the session may be what has failed, and the lock ended with it
            _call("pg_advisory_unlock", WRITER_LOCK)
        raise
    _call("pg_advisory_unlock", WRITER_LOCK)


@contextmanager
def purge_lock() -> Iterator[bool]:
    """Hold the lock of the purge, unless another process purges: then the block gets False at once."""
    is_held = _call("pg_try_advisory_lock", _PURGE_LOCK)
    try:
        yield is_held
    finally:
        if is_held:
            with suppress(DatabaseError):
                _call("pg_advisory_unlock", _PURGE_LOCK)


@contextmanager
def keep_files() -> Iterator[Callable[[], bool]]:
    """Let no file of the store be deleted until the block ends: neither the purge nor the maintenance deletes
    meanwhile. Waits until the purge has ended. Several processes may do so at once. Gives a function that tells
    whether the lock still holds: it ends with the session."""
    _call("pg_advisory_lock_shared", _PURGE_LOCK)
    session = _session()
    try:
        yield lambda: _session() == session
    finally:
        with suppress(DatabaseError):
            _call("pg_advisory_unlock_shared", _PURGE_LOCK)


def _a_commit_is_under_way() -> bool:
    """Say whether a session of the store has written to the catalog in an open transaction."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND backend_xid IS NOT NULL)",
            [SESSION_NAME],
        )
        return bool(cursor.fetchone()[0])


def _session() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _call(function: str, lock: int) -> bool:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [lock])
        return bool(cursor.fetchone()[0])

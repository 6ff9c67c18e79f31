"""Waiting for what other processes and threads do. Conditions end a wait; the limit is only there so that a test
that hangs fails at last, and is generous, since machines are busy."""

import time
from collections.abc import Callable

from django.db import connection

PATIENCE_SECONDS = 240.0


def wait_until(
    happened: Callable[[], bool], *, tell: Callable[[], str] | None = None, seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until ``happened()``; when that takes too long, an AssertionError says what ``tell()`` knows of it."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, tell() if tell else "it did not happen in time"
        time.sleep(0.05)


def a_session_waits_for_a_lock() -> bool:
    """Tell whether a session of the database waits for a lock of another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])

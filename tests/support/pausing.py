"""Holding jobs where something is to happen to them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from segments.privacy import erase


@contextmanager
def imports_held_half_way() -> Iterator[None]:
    """Imports wait before the gate that keeps out who was erased: after reading their file, before any profile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [erase.BARRIER_LOCK])
        yield
        cursor.execute("SELECT pg_advisory_unlock(%s)", [erase.BARRIER_LOCK])


def one_is_held() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])

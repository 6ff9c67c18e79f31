"""Lock erasures against imports and plans, so that no erased person is written again.

A transfer (an import, a plan) enters the barrier before it looks at erasures the last time, and stays until its
transaction ends. An erasure closes the barrier and so waits for open transfers. Either the transfer sees the
erasure, or the erasure finds what was transferred.
"""

from django.db import connection
from django.db.models import Max

from segments.models import Erasure

LOCK = 7_365_676_101


def enter() -> None:
    """Enter the barrier until this transaction ends. Waits while an erasure holds it."""
    _lock("pg_advisory_xact_lock_shared")


def close() -> None:
    """Close the barrier until this transaction ends. Waits for the transfers inside."""
    _lock("pg_advisory_xact_lock")


def last_erasure() -> int:
    """Return the ID of the last erasure, which changes with every erasure."""
    return Erasure.objects.aggregate(last=Max("pk"))["last"] or 0


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [LOCK])

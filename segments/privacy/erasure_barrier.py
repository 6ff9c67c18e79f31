"""Between erasing and whoever carries people from one place to another (imports, plans).

Who carries enters before the last look at who is erased, and stays until the end of the transaction; who erases
closes the gate, and so waits for those inside. Either the erasure was seen, or what was carried is there to be
erased.
"""

from django.db import connection
from django.db.models import Max

from segments.models import Erasure

LOCK = 7_365_676_101


def enter() -> None:
    """Stay inside until this transaction ends; waits while somebody is being erased."""
    _lock("pg_advisory_xact_lock_shared")


def close() -> None:
    """Let nobody in until this transaction ends; waits for those inside."""
    _lock("pg_advisory_xact_lock")


def last_erasure() -> int:
    """A mark that changes with every erasure."""
    return Erasure.objects.aggregate(last=Max("pk"))["last"] or 0


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [LOCK])

"""Refuse to start behind a pooler that gives each transaction another session of PostgreSQL.

Locks of jobs and of the profile store belong to a session, and so does the name by which a run ends its former
attempts. In a shared session they are lost, or stay with a session that works for others.
"""

import sys
from collections.abc import Sequence
from contextlib import closing

from celery.signals import worker_init
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, OperationalError, connection, connections

TAG = "pooling"
_TRIES = 5
_SENTENCE = (
    "DATABASE_URL leads to a pooler, such as PgBouncer, whose sessions are shared by transactions. Use the "
    "address of PostgreSQL itself, or pool_mode = session with ignore_startup_parameters = options."
)


@register(Tags.database, TAG)
def check_pooling(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Check that each connection has a session of its own. Passes while there is no database to ask."""
    if not databases:
        return []
    try:
        found = _shares_sessions()
    except OperationalError as error:
        found = "unsupported startup parameter" in str(error)
    except DatabaseError:
        return []
    return [Error(_SENTENCE, id="pooling.E001")] if found else []


def refuse_to_start() -> None:
    """End the process with one sentence behind such a pooler."""
    found = check_pooling(databases=["default"])
    connections.close_all()
    if found:
        sys.exit(str(found[0].msg))


def _shares_sessions() -> bool:
    """Tell whether two open connections have had the same session. A pooler gives the one that was used last."""
    with closing(connection.copy()) as one, closing(connection.copy()) as other:
        for _again in range(_TRIES):
            sessions = []
            for each in (one, other):
                with each.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    sessions.append(cursor.fetchone()[0])
            if sessions[0] == sessions[1]:
                return True
    return False


@worker_init.connect
def _check_before_working(**_: object) -> None:
    refuse_to_start()

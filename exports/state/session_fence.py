"""End the database sessions of workers that lost a run.

A worker that is frozen, or cut off with its machine, keeps its session, and with it the slots of the
connection: advisory locks that no other session could take until it wakes. So a session says which run and
attempt it works for, and the worker that takes the run over ends the sessions of earlier attempts. It is also
the surest fence: they can write nothing more.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection as database

from exports.models import Run


@contextmanager
def exclusive_session(run: Run) -> Iterator[None]:
    """Be the one session that works on ``run`` for as long as the block lasts."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE %s AND application_name <> %s AND pid <> pg_backend_pid()"
            " AND datname = current_database() AND usename = current_user",
            [f"{_name(run)} attempt %", _session_name(run)],
        )
        cursor.execute("SELECT set_config('application_name', %s, false)", [_session_name(run)])
    try:
        yield
    finally:
        _forget_name()


def reset_closed_session() -> None:
    """Let the next query open a new session when this one was ended."""
    if not database.in_atomic_block:  # there, Django would take the open transaction for a fault
        database.close_if_unusable_or_obsolete()


def _forget_name() -> None:
    reset_closed_session()
    with database.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', '', false)")


def _name(run: Run) -> str:
    return f"run {run.pk}"


def _session_name(run: Run) -> str:
    return f"{_name(run)} attempt {run.attempt}"

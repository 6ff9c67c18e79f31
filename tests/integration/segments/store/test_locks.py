"""One writer at a time, and none before the commit of a killed one has ended."""

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from django.db import connection

from segments.store import lake, locks
from segments.store.columns import MEMBERS

pytestmark = pytest.mark.django_db(transaction=True)


class GivesUp(Exception):
    """Raised while a writer waits."""


def give_up() -> None:
    raise GivesUp


@pytest.fixture
def session_of_the_store() -> Iterator[psycopg2.extensions.connection]:
    """A session such as DuckDB's, of a process that was killed; to write gives its transaction an ID."""
    parameters = connection.get_connection_params() | {"application_name": locks.SESSION_NAME}
    for name in ("cursor_factory", "context"):
        parameters.pop(name, None)
    with closing(psycopg2.connect(**parameters)) as session:
        yield session


def can_write() -> bool:
    try:
        with locks.writer_lock(give_up):
            return True
    except GivesUp:
        return False


def test_a_second_writer_waits() -> None:
    found: list[bool] = []

    def try_to_write() -> None:
        found.append(can_write())
        connection.close()

    with locks.writer_lock():
        thread = threading.Thread(target=try_to_write)
        thread.start()
        thread.join()
    assert found == [False]
    assert can_write()


def test_locks_may_be_nested() -> None:
    with locks.writer_lock():
        assert can_write()


def test_a_writer_waits_for_the_commit_of_one_that_was_killed(
    session_of_the_store: psycopg2.extensions.connection,
) -> None:
    with session_of_the_store.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
    assert not can_write()
    session_of_the_store.commit()
    assert can_write()


def test_a_writer_does_not_wait_for_readers(session_of_the_store: psycopg2.extensions.connection) -> None:
    with session_of_the_store.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lake.ducklake_table")
    with lake.reading() as reader:
        reader.rows(f"SELECT count(*) FROM {MEMBERS}")
        assert can_write()


def test_a_second_purge_does_not_wait() -> None:
    found: list[bool] = []

    def try_to_purge() -> None:
        with locks.purge_lock() as is_held:
            found.append(is_held)
        connection.close()

    with locks.purge_lock() as is_held:
        thread = threading.Thread(target=try_to_purge)
        thread.start()
        thread.join()
        assert is_held
    try_to_purge()
    assert found == [False, True]


def test_who_gives_up_leaves_no_lock(session_of_the_store: psycopg2.extensions.connection) -> None:
    with session_of_the_store.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
    assert not can_write()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s",
            [locks.WRITER_LOCK & 0xFFFFFFFF],
        )
        assert cursor.fetchone()[0] == 0

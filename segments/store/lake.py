"""Read the profile store at one version, and commit changes to it, one writer at a time.

A reader works in a DuckDB transaction and sees the version that was current when it began. A writer holds an
advisory lock of PostgreSQL from the start of its transaction to the end of its commit, because DuckLake's own
handling of concurrent writers is not safe with a PostgreSQL catalog. Prepare large changes before you take the
lock.

Each commit carries a note: the job that made it and what it counted. After a crash the note says whether the job
committed (commit_notes.py).
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import duckdb
import orjson
from django.conf import settings
from django.db import OperationalError
from django.db import connection as database
from django.utils.translation import gettext as _

from segments.store import commit_notes, engine
from segments.store.locks import do_nothing, writer_lock

logger = logging.getLogger(__name__)

_AUTHOR = "segment-exports"


class StoreError(Exception):
    """DuckDB could not read or change the profile store. The message is the kind of its error: the text may quote
    values of profiles."""


class StoreUnavailable(StoreError, OperationalError):
    """DuckDB could not reach the catalog or the files, a session was ended, or another writer was first: what was
    done can be done again."""


class OutOfMemory(StoreError):
    """DuckDB needed more memory than PROFILE_STORE_MEMORY_MB, or more disk space for what did not fit into it; the
    message is for users."""

    def __init__(self, *, is_disk: bool = False) -> None:
        if is_disk:
            message = _(
                "The disk of VAR_DIR has too little free space for temporary files. Nothing was changed. Ask an "
                "administrator to free space."
            )
        else:
            message = _(
                "This needs more memory than PROFILE_STORE_MEMORY_MB allows. Nothing was changed. Ask an "
                "administrator to raise the setting."
            )
        super().__init__(message)


def listed(kind: str, parameter: str = "?") -> str:
    """Return a sub-query of the values of a parameter that ``as_list`` makes. For a Python list, which it converts
    value by value, DuckDB takes a thousand times as long."""
    return f"(SELECT unnest(from_json({parameter}, '[\"{kind}\"]')))"


def rows_of(kinds: Mapping[str, str], parameter: str = "?") -> str:
    """Return a query of the rows of a parameter that ``as_list`` makes of dictionaries with these keys."""
    structure = json.dumps([dict(kinds)])
    return f"SELECT unnest(from_json({parameter}, '{structure}'), recursive := true)"


def as_list(values: Iterable[object]) -> str:
    """Return values as a parameter for ``listed`` or ``rows_of``."""
    return orjson.dumps(list(values), default=str).decode()


@dataclass(frozen=True)
class Reader:
    """A transaction of DuckDB that reads the store at one version."""

    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self.connection.execute(sql, parameters or None).fetchall()

    def row(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> tuple[Any, ...]:
        """Return the first row of a query that has one."""
        found = self.connection.execute(sql, parameters or None).fetchone()
        assert found is not None, "the query always has a row"  # noqa: S101
        return tuple(found)

    def execute(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> None:
        """Run a statement, such as one that fills a temporary table."""
        self.connection.execute(sql, parameters or None)


@dataclass(frozen=True)
class Writer(Reader):
    """A transaction that changes the store. ``note`` is stored with the commit."""

    note: dict[str, Any] = field(default_factory=dict)


@contextmanager
def reading() -> Iterator[Reader]:
    """Read the store at its current version until the block ends."""
    with _transaction() as connection:
        yield Reader(connection)


@contextmanager
def one_thread(reader: Reader) -> Iterator[None]:
    """Let DuckDB use one thread for a block in which several would only keep more rows in memory."""
    reader.execute("SET threads = 1")
    try:
        yield
        reader.execute(f"SET threads = {int(settings.PROFILE_STORE_THREADS)}")
    except BaseException:
        engine.close()  # in a failed transaction no setting can be changed back
        raise


@contextmanager
def temporary_tables() -> Iterator[duckdb.DuckDBPyConnection]:
    """Work on temporary tables of this thread's DuckDB outside of any transaction; rows keep their order. Errors
    of DuckDB are StoreErrors: the cause is in the tables or in a file that is read into them."""
    with _safe_errors(lambda _error: False) as connection:
        connection.execute("SET preserve_insertion_order = true")
        try:
            yield connection
        finally:
            with suppress(duckdb.Error):
                connection.execute("SET preserve_insertion_order = false")


@contextmanager
def writing(job: str, *, waiting: Callable[[], None] = do_nothing) -> Iterator[Writer]:
    """Change the store, all or nothing, as the only writer. ``job`` identifies the commit, such as ``import:17``;
    ``waiting`` is that of writer_lock. A block that changes nothing makes no commit."""
    with writer_lock(waiting), _transaction() as connection:
        engine.verify_identity()
        writer = Writer(connection)
        yield writer
        note = json.dumps({"job": job, **writer.note}, sort_keys=True)
        connection.execute(
            f"CALL {engine.LAKE}.set_commit_message(?, ?, extra_info => ?)", [_AUTHOR, job.partition(":")[0], note]
        )


def find_commit(job: str) -> dict[str, Any] | None:
    """Return the note of the commit that a job made, or None when it made none."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT commit_extra_info FROM lake.ducklake_snapshot_changes"
            " WHERE commit_extra_info LIKE %s ORDER BY snapshot_id DESC",
            ['%"job": ' + json.dumps(job).replace("%", r"\%").replace("_", r"\_") + "%"],
        )
        notes = [json.loads(text) for (text,) in cursor.fetchall()]
    return next((note for note in notes if note.get("job") == job), None) or commit_notes.find_kept_note(job)


@contextmanager
def _transaction() -> Iterator[duckdb.DuckDBPyConnection]:
    """Run a block in a transaction of this thread's DuckDB."""
    with _safe_errors(_may_pass) as connection:
        connection.execute("BEGIN TRANSACTION")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # An open transaction of a broken session would end the process when the instance is closed.
            with suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            raise


@contextmanager
def _safe_errors(may_pass: Callable[[duckdb.Error], bool]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Raise StoreError instead of errors of DuckDB, whose text may quote values, and StoreUnavailable for those
    that may pass. The instance is closed then: its sessions of the catalog may be broken."""
    try:
        with engine.using() as connection:
            yield connection
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise _out_of_memory(error) from None
        engine.close()
        raise (StoreUnavailable if may_pass(error) else StoreError)(type(error).__name__) from None


def _out_of_memory(error: duckdb.Error) -> OutOfMemory:
    """Close the instance, and log what the error says and what is still used: sizes and settings, no values."""
    text = " ".join(str(error).partition("Possible solutions")[0].split())
    logger.error("DuckDB is out of memory: %s Still in use after %s", text, engine.describe_memory())
    engine.close()
    return OutOfMemory(is_disk="max_temp_directory_size" in text)


def _may_pass(error: duckdb.Error) -> bool:
    """Say whether the same work may succeed later. DuckDB reports a session of the catalog that was ended as an
    error of no kind."""
    return isinstance(error, duckdb.OperationalError | duckdb.FatalException) or type(error) is duckdb.Error

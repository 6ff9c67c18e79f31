"""Tools for PostgreSQL statements: bulk inserts, reads in blocks, planner hints, statement and lock timeouts,
reads of one moment, and rolled-back transactions.

The planner knows too late that a table has just changed much, or that a statement is about masses of rows; a
wrong guess makes many minutes of what takes seconds.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction
from django.db import connection as database
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault

_WORTH_IT = 1_000
# Lock timeout and deadlock.
_BUSY = {"55P03", "40P01"}


def analyze_after_change(table: str, rows: int) -> None:
    """Run ANALYZE on ``table`` (its name in the database) when ``rows`` changed rows are worth it, once the
    transaction of the caller is committed: other transactions must not wait for it."""
    if rows >= _WORTH_IT:
        transaction.on_commit(lambda: _analyze(table))


def _analyze(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


@contextmanager
def brief_locks(seconds: float, refusal: Callable[[], Exception]) -> Iterator[None]:
    """Run a block in a transaction that waits at most ``seconds`` for each lock. Raises ``refusal`` when another
    transaction holds one for longer, or in a deadlock; nothing is changed then."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{seconds}s"])
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") not in _BUSY:
            raise
        raise refusal() from error


@contextmanager
def without_nested_loops() -> Iterator[None]:
    """Keep PostgreSQL from nested loops over tables whose size it underestimates: those that were empty a
    moment ago, or exist only in this transaction. Within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")


def insert_alike(pattern: Model, **differing: Sequence[Any]) -> list[int]:
    """Insert a row for each place of the lists ``differing``, which are named as their columns are and equally
    long; all else is as in ``pattern``, which is not saved itself. Their ids, in the same order.

    One statement to which the common values are given once: ``bulk_create`` makes an instance of each row and
    writes every column of it out, which for wide tables costs several times as much."""
    meta, quoted = pattern._meta, connection.ops.quote_name
    fields = {str(field.column): field for field in meta.concrete_fields if not field.primary_key}
    common = {
        column: field
        for column, field in fields.items()
        if column not in differing and not isinstance(getattr(pattern, field.attname), DatabaseDefault)
    }
    columns = ", ".join(quoted(column) for column in [*differing, *common])
    selected = ", ".join(["new.*"] + ["%s"] * len(common))
    lists = ", ".join(f"%s::{fields[column].db_type(connection)}[]" for column in differing)
    values = [field.get_db_prep_save(getattr(pattern, field.attname), connection) for field in common.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quoted(meta.db_table)} ({columns})"  # noqa: S608 - names of ours
            f" SELECT {selected} FROM unnest({lists}) AS new RETURNING id",
            [*values, *(list(column) for column in differing.values())],
        )
        return [pk for (pk,) in cursor.fetchall()]


def as_json(values: Iterable[str]) -> str:
    """Return texts as the parameter of jsonb_array_elements_text(): PostgreSQL takes long to read an array of
    tens of thousands."""
    return orjson.dumps(list(values)).decode()


def read_in_blocks(sql: str, parameters: Sequence[Any] = (), *, rows: int) -> Iterator[list[tuple[Any, ...]]]:
    """Read the rows of a query in blocks of ``rows`` by a cursor of the server, so that memory stays flat. Within
    a transaction."""
    with closing(connection.chunked_cursor()) as cursor:
        cursor.execute(sql, parameters)
        while block := cursor.fetchmany(rows):
            yield block


@contextmanager
def rolled_back() -> Iterator[None]:
    """Run a block in a transaction of its own, and roll it back at the end: plans that are only looked at."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def one_moment() -> Iterator[None]:
    """Read all rows of a block as they are at one moment, so that numbers and their parts agree while jobs write
    them. Has no effect within another transaction."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def limit_statements(seconds: float) -> None:
    """Limit each query of this transaction to ``seconds``; one that takes longer raises OperationalError."""
    with database.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])

"""What PostgreSQL's planner would only find out too late: that a table has just changed much, and that a statement
is about masses whatever the figures from before say. A wrong guess makes many minutes of what takes seconds."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_WORTH_IT = 1_000


def after_change(table: str, rows: int) -> None:
    """Run ANALYZE on ``table`` (its name in the database) when ``rows`` changed rows are worth it, once the
    transaction of the caller is committed: other transactions must not wait for it."""
    if rows >= _WORTH_IT:
        transaction.on_commit(lambda: _look_at(table))


def _look_at(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


@contextmanager
def without_nested_loops() -> Iterator[None]:
    """Keep PostgreSQL from nested loops over tables whose size it underestimates: those that were empty a
    moment ago, or exist only in this transaction. Within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")

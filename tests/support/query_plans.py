"""How PostgreSQL goes about statements, and what makes it go wrong about them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def explained(concerned: Callable[[str], bool]) -> Iterator[list[str]]:
    """The plans of the statements that are asked for, just before each is executed."""
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if concerned(sql):
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans


def seems_empty(table: str) -> None:
    """As after VACUUM of an emptied table whose pages could not be given back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_class SET reltuples = 0, relpages = 100 WHERE oid = %s::regclass RETURNING relname", [table]
        )
        assert cursor.fetchone() == (table,)


def rows_as_planned_with(table: str) -> int:
    """How many rows the planner takes the table to have; -1 when it was never told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        return int(cursor.fetchone()[0])

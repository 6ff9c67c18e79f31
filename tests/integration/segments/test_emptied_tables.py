"""A table that was emptied a moment ago counts as one row to PostgreSQL's planner. Whoever then goes through it
for every line takes minutes for what should be seconds, so an import is asked how it would go about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from segments import actions, importing
from tests.people import write_people_csv

pytestmark = pytest.mark.django_db

PEOPLE = 2_000


@contextmanager
def explained() -> Iterator[list[str]]:
    """The plans of what is inserted, updated and deleted meanwhile in the tables of segments."""
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.split(maxsplit=1)[0] in {"INSERT", "UPDATE", "DELETE"} and "segments_" in sql and "SELECT" in sql:
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


def import_again(path: Path) -> None:
    job = actions.start_import(path=path, key_column="id", source_name="Shop", by=None, ring=False)
    ended = importing.run_import(job.pk)
    assert ended is not None
    assert ended.rows_read >= PEOPLE


def test_an_import_goes_through_no_emptied_table_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people_csv(path, PEOPLE)
    import_again(path)
    seems_empty("segments_profile")
    with explained() as plans:
        import_again(path)
    assert len(plans) == 2, plans
    assert not [plan for plan in plans if "Nested Loop" in plan]

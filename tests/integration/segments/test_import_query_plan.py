"""The planner takes a table that was just emptied for one row. A nested loop over it takes minutes instead of
seconds, so the plans of an import are checked."""

from pathlib import Path

import pytest

from segments.sources import actions, import_job
from tests.support.people_csv import write_people_csv
from tests.support.query_plans import explained, seems_empty

pytestmark = pytest.mark.django_db

PEOPLE = 2_000


def carries_over(sql: str) -> bool:
    """Say whether a statement changes a table of segments from another table."""
    return sql.split(maxsplit=1)[0] in {"INSERT", "UPDATE", "DELETE"} and "segments_" in sql and "SELECT" in sql


def import_again(path: Path) -> None:
    job = actions.start_import(path=path, key_column="id", source_name="Shop", by=None, wake_worker=False)
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert ended.rows_read >= PEOPLE


def test_an_import_after_emptying_tables_uses_no_nested_loops(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people_csv(path, PEOPLE)
    import_again(path)
    seems_empty("segments_profile")
    with explained(carries_over) as plans:
        import_again(path)
    assert len(plans) == 2, plans
    assert not [plan for plan in plans if "Nested Loop" in plan]

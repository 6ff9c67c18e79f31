"""A table that was emptied a moment ago counts as one row to PostgreSQL's planner. Whoever then goes through it
for every line takes minutes for what should be seconds, so an import is asked how it would go about it."""

from pathlib import Path

import pytest

from segments import actions
from segments.sources import import_job
from tests.support.people_csv import write_people_csv
from tests.support.query_plans import explained, seems_empty

pytestmark = pytest.mark.django_db

PEOPLE = 2_000


def carries_over(sql: str) -> bool:
    """Whether it changes a table of segments by what another holds."""
    return sql.split(maxsplit=1)[0] in {"INSERT", "UPDATE", "DELETE"} and "segments_" in sql and "SELECT" in sql


def import_again(path: Path) -> None:
    job = actions.start_import(path=path, key_column="id", source_name="Shop", by=None, wake_worker=False)
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert ended.rows_read >= PEOPLE


def test_an_import_goes_through_no_emptied_table_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people_csv(path, PEOPLE)
    import_again(path)
    seems_empty("segments_profile")
    with explained(carries_over) as plans:
        import_again(path)
    assert len(plans) == 2, plans
    assert not [plan for plan in plans if "Nested Loop" in plan]

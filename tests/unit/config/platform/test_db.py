"""What PostgreSQL's planner is told of a table, and when."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from config.platform import db

LOOK = 'ANALYZE "exports_syncedcontact"'


@pytest.mark.django_db(transaction=True)
def test_it_looks_at_a_table_once_the_change_is_committed() -> None:
    with CaptureQueriesContext(connection) as asked:
        with transaction.atomic():
            db.analyze_after_change("exports_syncedcontact", 1_000)
            assert LOOK not in _statements(asked)
        db.analyze_after_change("exports_syncedcontact", 999)
    assert _statements(asked).count(LOOK) == 1


@pytest.mark.django_db(transaction=True)
def test_it_looks_at_once_outside_a_transaction() -> None:
    with CaptureQueriesContext(connection) as asked:
        db.analyze_after_change("exports_syncedcontact", 1_000)
    assert _statements(asked) == [LOOK]


def _statements(asked: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in asked.captured_queries]

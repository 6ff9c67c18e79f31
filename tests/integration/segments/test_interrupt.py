"""What DuckDB does is interrupted when an import is canceled."""

import threading

import pytest

from segments.sources.prepare import interrupted_by
from segments.store import lake

pytestmark = pytest.mark.django_db


def test_a_long_query_ends_at_once_and_the_next_one_runs() -> None:
    canceled = threading.Event()
    threading.Timer(0.2, canceled.set).start()
    with (
        pytest.raises(lake.StoreError, match="InterruptException"),
        lake.temporary_tables() as connection,
        interrupted_by(connection, canceled),
    ):
        connection.execute(
            "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range % 7 = b.range % 11"
        )
    with lake.temporary_tables() as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]

"""The DuckDB instance of a thread: what does not fit into its memory goes to encrypted temporary files."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from segments.store import engine

pytestmark = pytest.mark.django_db


@pytest.fixture
def small_memory(settings: Settings) -> Iterator[None]:
    """A memory limit that a table of a million rows exceeds."""
    settings.PROFILE_STORE_MEMORY_MB = 64
    engine.close()
    yield
    engine.close()


def test_a_table_may_be_larger_than_the_memory(small_memory: None) -> None:
    connection = engine.connect()
    connection.execute(
        "CREATE TEMPORARY TABLE large AS SELECT md5(i::VARCHAR) || md5(i::VARCHAR) FROM range(1500000) r(i)"
    )
    (written,) = connection.execute("SELECT sum(size) FROM duckdb_temporary_files()").fetchone() or (0,)
    assert written > 0
    assert connection.execute("SELECT count(*) FROM large").fetchall() == [(1_500_000,)]
    connection.execute("DROP TABLE large")

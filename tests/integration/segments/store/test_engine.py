"""The DuckDB instance of a thread: what does not fit into its memory goes to encrypted temporary files. Nothing
stays in it for long."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from segments.store import engine, lake
from segments.store.profiles import EVERY_PROFILE, select_profiles
from segments.tasks import maintain_store
from tests.support.profiles import create_profiles

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


def test_reading_keeps_nothing_of_local_files_in_memory() -> None:
    create_profiles([{"id": "C1", "city": "Turku"}])
    list(select_profiles(EVERY_PROFILE))
    connection = engine.connect()
    assert connection.execute("SELECT count(*) FROM duckdb_external_file_cache()").fetchall() == [(0,)]


def test_an_instance_that_was_used_often_is_replaced_when_the_work_ends(
    alice_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def instance_after(work: Callable[[], object]) -> object:
        work()
        return engine.connect()

    with lake.reading() as reader:
        first = reader.connection
        reader.execute("CREATE TEMPORARY TABLE left_over AS SELECT 1")
    assert instance_after(lambda: alice_client.get("/data/customers/")) is first
    monkeypatch.setattr(engine, "MOST_USES", 1)
    with lake.reading():
        assert instance_after(engine.end_work) is first  # a block uses it
    second = instance_after(lambda: alice_client.get("/data/customers/"))
    assert second is not first
    with lake.reading() as reader:
        assert not reader.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'left_over'")
    assert instance_after(maintain_store.apply) is not second


def test_an_error_of_memory_is_logged_with_what_still_uses_it(
    small_memory: None, caplog: pytest.LogCaptureFixture
) -> None:
    with lake.reading() as reader:
        reader.execute("CREATE TEMPORARY TABLE left_over AS SELECT i FROM range(100000) r(i)")
    with pytest.raises(lake.OutOfMemory, match="PROFILE_STORE_MEMORY_MB"), lake.reading() as reader:
        reader.execute("SELECT list(md5(i::VARCHAR)) FROM range(3000000) r(i)")
    (record,) = [each for each in caplog.records if each.name == "segments.store.lake"]
    assert "Out of Memory Error: " in record.getMessage()
    assert "after 2 uses: IN_MEMORY_TABLE" in record.getMessage()


def test_a_full_disk_is_told_from_too_little_memory(small_memory: None, caplog: pytest.LogCaptureFixture) -> None:
    engine.connect().execute("SET max_temp_directory_size = '1MB'")
    with pytest.raises(lake.OutOfMemory, match="disk of VAR_DIR"), lake.reading() as reader:
        reader.execute("CREATE TEMPORARY TABLE large AS SELECT md5(i::VARCHAR) AS a FROM range(3000000) r(i)")
    assert "max_temp_directory_size" in caplog.text

"""Import the rows of a query in a file of SQLite or DuckDB."""

import sqlite3
from pathlib import Path

import duckdb
import pytest
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments import catalog
from segments.models import DatabaseEngine, ImportJob
from segments.sources.databases.actions import QuerySettings, import_query, try_query
from segments.sources.import_job import run_import
from tests.support.database_queries import failure_of
from tests.support.profiles import get_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Return a folder that data sources may read files in."""
    settings.SOURCE_FOLDERS = [str(tmp_path / "allowed")]
    (tmp_path / "allowed").mkdir()
    return tmp_path / "allowed"


@pytest.fixture
def sqlite_file(folder: Path) -> Path:
    path = folder / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, zip TEXT, points INTEGER, born DATE)")
    rows = [(1, "01234", 5, "1990-02-28"), (2, "00099", -7, "2000-12-31"), (3, None, None, None)]
    connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def duckdb_file(folder: Path) -> Path:
    path = folder / "it's.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE customers AS SELECT 1 AS id, '01234' AS zip, 12.50::DECIMAL(9, 2) AS spent,"
            " DATE '1990-02-28' AS born, ['a', 'b'] AS tags"
        )
        connection.execute("CREATE VIEW outside AS SELECT * FROM read_text('/etc/hostname')")
    return path


def entered(engine: DatabaseEngine, path: Path, query: str = "customers") -> QuerySettings:
    return QuerySettings(engine=engine, database=str(path), query=query)


def run_query(settings: QuerySettings) -> ImportJob:
    names = try_query(settings, by=None).names
    job = import_query(settings, source_name="Shop", key_column="id", names=names, by=None)
    ended = run_import(job.pk)
    assert ended is not None
    return ended


def test_values_of_sqlite_get_guessed_types_because_its_columns_have_none(sqlite_file: Path) -> None:
    job = run_query(entered(DatabaseEngine.SQLITE, sqlite_file))
    assert (job.status, job.rows_created, job.file_name) == (JobStatus.SUCCESSFUL, 3, "SQLite file: shop.sqlite")
    assert get_profile("2").attributes == {"id": "2", "zip": "00099", "points": -7, "born": "2000-12-31"}


def test_the_first_rows_of_sqlite_have_the_guessed_types(sqlite_file: Path) -> None:
    found = try_query(entered(DatabaseEngine.SQLITE, sqlite_file), by=None)
    assert [str(plan.type) for plan in found.plans] == ["text", "text", "integer", "date"]
    assert found.rows[2] == ["3", "", "", ""]


def test_duckdb_keeps_its_types(duckdb_file: Path) -> None:
    job = run_query(entered(DatabaseEngine.DUCKDB, duckdb_file, "SELECT * FROM customers -- all"))
    assert (job.status, job.rows_created) == (JobStatus.SUCCESSFUL, 1)
    assert get_profile("1").attributes == {
        "id": "1",
        "zip": "01234",
        "spent": 12.5,
        "born": "1990-02-28",
        "tags": ["a", "b"],
    }
    assert {each.name: str(each.data_type) for each in catalog.attributes()}["zip"] == "text"


@pytest.mark.parametrize(
    "query",
    [
        "outside",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM read_parquet('s3://bucket/file')",
    ],
)
def test_a_query_in_duckdb_reaches_no_other_file(duckdb_file: Path, query: str) -> None:
    sentence = failure_of(entered(DatabaseEngine.DUCKDB, duckdb_file, query))
    assert "reported an error" in sentence or "There is no table" in sentence


@pytest.mark.parametrize("engine", [DatabaseEngine.SQLITE, DatabaseEngine.DUCKDB])
def test_only_files_below_the_folders_of_the_setting_are_read(
    engine: DatabaseEngine, sqlite_file: Path, tmp_path: Path, settings: Settings
) -> None:
    outside = tmp_path / "outside.sqlite"
    outside.write_bytes(sqlite_file.read_bytes())
    link = sqlite_file.parent / "link.sqlite"
    link.symlink_to(outside)
    for path in (outside, link, sqlite_file.parent / ".." / "outside.sqlite", Path("shop.sqlite")):
        assert "must be in a folder" in failure_of(entered(engine, path))
    assert "There is no file" in failure_of(entered(engine, sqlite_file.parent / "none"))
    settings.SOURCE_FOLDERS = []
    assert "SOURCE_FOLDERS" in failure_of(entered(engine, sqlite_file))


@pytest.mark.parametrize("engine", [DatabaseEngine.SQLITE, DatabaseEngine.DUCKDB])
def test_a_file_of_another_kind_is_refused(engine: DatabaseEngine, folder: Path) -> None:
    (folder / "text").write_text("no database at all, but a longer text" * 1000, encoding="utf-8")
    assert "not a database of this type" in failure_of(entered(engine, folder / "text"))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELECT missing FROM customers", "There is no column “missing”."),
        ("SELECT * FROM missing", "There is no table “missing”."),
        ("DELETE FROM customers RETURNING id", "This is DELETE."),
    ],
)
def test_a_failure_is_a_sentence(sqlite_file: Path, duckdb_file: Path, query: str, sentence: str) -> None:
    assert sentence in failure_of(entered(DatabaseEngine.SQLITE, sqlite_file, query))
    assert sentence in failure_of(entered(DatabaseEngine.DUCKDB, duckdb_file, query))

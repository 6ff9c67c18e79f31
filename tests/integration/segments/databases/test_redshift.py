"""Import the rows of a query in Redshift. A server of PostgreSQL's protocol takes its place."""

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments import catalog
from segments.models import DatabaseEncryption, DatabaseEngine, DataSource
from segments.sources import actions
from segments.sources.databases.actions import QuerySettings, import_query, try_query
from segments.sources.import_job import run_import
from tests.support.database_queries import failure_of, query_settings, run_query
from tests.support.foreign_postgres import PASSWORD, ForeignPostgres
from tests.support.profiles import get_profile, profile_count
from tests.support.workers import free_port

pytestmark = pytest.mark.django_db


def settings_for(server: ForeignPostgres, query: str = "customers") -> QuerySettings:
    return query_settings(server, DatabaseEngine.REDSHIFT, query)


def test_rows_become_profiles_as_those_of_postgresql(shop_server: ForeignPostgres) -> None:
    job = run_query(settings_for(shop_server))
    assert (job.status, job.message, job.rows_read, job.rows_created) == (JobStatus.SUCCESSFUL, "", 3, 3)
    assert get_profile("1").attributes == {
        "id": "1",
        "zip": "01234",
        "name": "Aino",
        "email": "aino@example.com",
        "age": 30,
        "spent": 12.5,
        "score": 0.1,
        "ok": True,
        "born": "1990-02-28",
        "seen": "2024-02-29T10:00:00.500000+00:00",
        "at": "2024-02-29T08:00:00.250000+00:00",
        "tags": ["a", "b;c"],
        "doc": '{"a": 1}',
    }
    assert get_profile("3").attributes == {"id": "3"}
    types = {each.name: str(each.data_type) for each in catalog.attributes()}
    assert (types["zip"], types["age"], types["spent"], types["doc"]) == ("text", "integer", "number", "text")
    assert "raw" not in types
    assert not any(each.has_originals for each in catalog.attributes())


def test_rows_are_fetched_batch_by_batch(shop_server: ForeignPostgres) -> None:
    query = "SELECT n AS id, 'a' || chr(10) || chr(34) || ',' || n AS note FROM generate_series(1, 2500) AS n"
    job = run_query(settings_for(shop_server, query))
    assert (job.status, job.rows_created) == (JobStatus.SUCCESSFUL, 2_500)
    assert get_profile("2500").attributes["note"] == 'a\n",2500'


def test_a_refresh_runs_the_stored_query_again(shop_server: ForeignPostgres) -> None:
    run_query(settings_for(shop_server, "SELECT id, name FROM customers"))
    job = run_import(actions.refresh_data_source(DataSource.objects.get(), by=None).pk)
    assert job is not None
    assert (job.status, job.rows_unchanged) == (JobStatus.SUCCESSFUL, 3)
    assert job.file_name == "Amazon Redshift (preview): shop at 127.0.0.1"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT nextval('orders') AS id", "Only queries that read data"),
        ("SELECT missing FROM customers", "no column “missing”"),
        ("SELECT id FROM missing", "no table “missing”"),
        ("SELECT id\nFROM salaries", "no permission to read “salaries”"),
        ("SELECT id, name, name FROM customers", "two columns named “name”"),
        ("SELECT 1/0 AS id", "divides by zero"),
        ("DELETE FROM customers", "Enter a single SELECT query. This is DELETE."),
        ("SELECT 1 AS id; SELECT 2 AS id", "These are 2 statements"),
    ],
)
def test_errors_of_the_query_are_explained(shop_server: ForeignPostgres, query: str, words: str) -> None:
    assert words in failure_of(settings_for(shop_server, query))


def test_an_error_names_the_line_of_the_query(shop_server: ForeignPostgres) -> None:
    assert "Line 2 of the query" in failure_of(settings_for(shop_server, "SELECT id,\n missing FROM customers"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "The user or the password is incorrect."),
        ({"database": "nothing"}, "no database “nothing”"),
        ({"host": "10.0.0.1"}, "internal network"),
        ({"encryption": DatabaseEncryption.REQUIRE}, "does not support encryption"),
    ],
)
def test_errors_of_the_connection_are_explained(
    shop_server: ForeignPostgres, change: dict[str, str], words: str
) -> None:
    assert words in failure_of(replace(settings_for(shop_server), **change))  # type: ignore[arg-type]
    assert "refused" in failure_of(replace(settings_for(shop_server), port=free_port()))


def test_a_query_that_takes_too_long_is_ended(shop_server: ForeignPostgres, settings: Settings) -> None:
    entered = settings_for(shop_server, "SELECT 1 AS id")
    job = import_query(entered, source_name="Shop", key_column="id", names=["id"], by=None)
    job.source.database_query.query = "SELECT pg_sleep(30)::text AS id"
    job.source.database_query.save()
    settings.DATABASE_SOURCE_SECONDS = 1
    ended = run_import(job.pk)
    assert ended is not None
    assert (ended.status, bool(re.search("too long|within 1 second", ended.message))) == (JobStatus.FAILED, True)


def test_the_first_rows_are_shown_and_the_rows_are_limited(
    shop_server: ForeignPostgres, settings: Settings
) -> None:
    found = try_query(settings_for(shop_server, "SELECT id, zip FROM customers ORDER BY id"), by=None)
    assert (found.names, found.rows) == (("id", "zip"), [["1", "01234"], ["2", "99"], ["3", ""]])
    settings.DATABASE_SOURCE_ROWS = 2
    job = run_query(settings_for(shop_server))
    assert (job.status, "more than 2 rows" in job.message, profile_count()) == (JobStatus.FAILED, True, 0)


def test_no_log_has_the_password_and_no_file_stays(
    shop_server: ForeignPostgres, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    with caplog.at_level(logging.DEBUG):
        run_query(settings_for(shop_server))
    assert PASSWORD not in caplog.text
    assert [each for each in (tmp_path / "uploads").rglob("*") if each.is_file()] == []

"""Import the rows of a query in ClickHouse, with its driver. A server gives the recorded answers of its engine."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments import catalog
from segments.models import DatabaseEncryption, DatabaseEngine, DataSource
from segments.sources import actions
from segments.sources.databases.actions import QuerySettings, try_query
from segments.sources.databases.warehouses import targets
from segments.sources.import_job import run_import
from tests.support.clickhouse_server import PASSWORD, ClickhouseServer, clickhouse_server
from tests.support.database_queries import failure_of, query_settings, run_query
from tests.support.profiles import get_profile, profile_count
from tests.support.workers import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Settings) -> Iterator[ClickhouseServer]:
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8", "::1"]
    with clickhouse_server() as found:
        yield found


def settings_for(server: ClickhouseServer, query: str = "customers") -> QuerySettings:
    return query_settings(server, DatabaseEngine.CLICKHOUSE, query)


def test_rows_become_profiles_with_the_types_of_the_warehouse(server: ClickhouseServer) -> None:
    job = run_query(settings_for(server))
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
        "born": "1931-02-28",
        "seen": "2024-02-29T08:00:00.500000+00:00",
        "tags": ["a", "b;c"],
        "doc": '{"a": "1"}',
        "code": "AB",
        "ref": "00000000-0000-0000-0000-000000000001",
    }
    assert get_profile("2").attributes["name"] == "Väinö😀"
    assert get_profile("2").attributes["seen"] == "2024-06-30T07:00:00+00:00"
    types = {each.name: str(each.data_type) for each in catalog.attributes()}
    assert (types["zip"], types["age"], types["spent"], types["doc"]) == ("text", "integer", "number", "text")
    assert types["code"] == "text"
    assert job.file_name == "ClickHouse (preview): shop at localhost"


def test_the_query_is_sent_with_settings_that_only_allow_reading(server: ClickhouseServer) -> None:
    try_query(settings_for(server, "SELECT id FROM customers"), by=None)
    query, given = server.requests[-1]
    assert "SELECT id FROM customers" in query
    assert (given["readonly"], given["max_execution_time"], given["database"]) == ("1", "30", "shop")
    assert given["cancel_http_readonly_queries_on_client_close"] == "1"
    assert "session_id" not in given
    run_query(settings_for(server, "SELECT id, name FROM customers"))
    assert server.requests[-1][1]["max_execution_time"] == "3600"


def test_a_session_that_may_write_is_refused(server: ClickhouseServer) -> None:
    server.writes = True
    assert "does not allow a session that only reads" in failure_of(settings_for(server))
    assert not any("customers" in query for query, _given in server.requests)


def test_a_user_who_may_only_read_needs_no_settings(server: ClickhouseServer) -> None:
    server.is_restricted = True
    assert try_query(settings_for(server, "SELECT id FROM customers"), by=None).rows == [["1"], ["2"], ["3"]]


def test_a_query_cannot_read_files_of_the_server(server: ClickhouseServer) -> None:
    query = "SELECT line AS id FROM file('/etc/passwd', 'LineAsString')"
    assert "The function file cannot be used." in failure_of(settings_for(server, query))


def test_rows_come_block_by_block(server: ClickhouseServer) -> None:
    query = "SELECT number AS id, concat('a\\n\",', toString(number)) AS note FROM numbers(2500)"
    job = run_query(settings_for(server, query))
    assert (job.status, job.rows_created) == (JobStatus.SUCCESSFUL, 2_500)
    assert get_profile("2499").attributes["note"] == 'a\n",2499'


def test_a_refresh_runs_the_stored_query_again(server: ClickhouseServer) -> None:
    run_query(settings_for(server, "SELECT id, name FROM customers"))
    job = run_import(actions.refresh_data_source(DataSource.objects.get(), by=None).pk)
    assert job is not None
    assert (job.status, job.rows_unchanged) == (JobStatus.SUCCESSFUL, 3)


def test_a_redirect_to_another_address_is_refused(server: ClickhouseServer) -> None:
    with clickhouse_server() as other:
        server.redirect = f"http://localhost:{other.port}/"
        assert "refers to the address “127.0.0.1”, which is not its own" in failure_of(settings_for(server))
        assert other.requests == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT\n missing FROM customers", "There is no column “missing”."),
        ("SELECT id FROM missing", "There is no table “missing”."),
        ("SELECT intDiv(1, 0) AS id", "The query divides by zero."),
        ("SELECT unknown_function(id) AS id FROM customers", "There is no function “unknown_function”"),
        ("INSERT INTO customers (id) VALUES (1)", "Enter a single SELECT query. This is INSERT."),
        ("SELECT id FROM customers SETTINGS readonly = 0", "Remove SETTINGS and FORMAT from the query."),
    ],
)
def test_errors_of_the_query_are_explained(server: ClickhouseServer, query: str, words: str) -> None:
    assert words in failure_of(settings_for(server, query))


def test_errors_of_the_connection_are_explained(server: ClickhouseServer, settings: Settings) -> None:
    entered = settings_for(server)
    assert "refused the connection" in failure_of(replace(entered, port=free_port()))
    assert "The user or the password is incorrect." in failure_of(replace(entered, password="wrong"))
    settings.DATABASE_SOURCE_HOSTS = []
    assert "internal network" in failure_of(entered)


def test_the_certificate_is_verified(settings: Settings, tmp_path: Path) -> None:
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8", "::1"]
    with clickhouse_server(tmp_path) as server:
        query = settings_for(server, "SELECT id FROM customers")
        verified = replace(query, encryption=DatabaseEncryption.VERIFY)
        assert "certificate of the server cannot be verified" in failure_of(verified)
        settings.DATABASE_SOURCE_CA = server.certificate
        assert try_query(verified, by=None).rows == [["1"], ["2"], ["3"]]
        settings.DATABASE_SOURCE_CA = ""
        assert try_query(replace(query, encryption=DatabaseEncryption.REQUIRE), by=None).rows


def test_a_server_may_have_an_ipv6_address(settings: Settings) -> None:
    settings.DATABASE_SOURCE_HOSTS = ["::1"]
    with clickhouse_server(address="::1") as server:
        query = replace(settings_for(server, "SELECT id FROM customers"), host="::1")
        assert try_query(query, by=None).rows == [["1"], ["2"], ["3"]]


def test_a_missing_driver_is_named(server: ClickhouseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "find_spec", lambda _package: None)
    sentence = "ClickHouse (preview) needs the Python package clickhouse-connect."
    assert sentence in failure_of(settings_for(server))


def test_the_rows_are_limited(server: ClickhouseServer, settings: Settings) -> None:
    settings.DATABASE_SOURCE_ROWS = 2
    job = run_query(settings_for(server))
    assert (job.status, "more than 2 rows" in job.message, profile_count()) == (JobStatus.FAILED, True, 0)


def test_no_log_has_the_password_and_no_file_stays(
    server: ClickhouseServer, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    with caplog.at_level(logging.DEBUG):
        run_query(settings_for(server))
    assert PASSWORD not in caplog.text
    assert [each for each in (tmp_path / "uploads").rglob("*") if each.is_file()] == []

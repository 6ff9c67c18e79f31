"""Import the rows of a query in Trino, with its driver. A server of its protocol takes its place."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trino as driver
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments import catalog
from segments.models import DatabaseEncryption, DatabaseEngine, DatabaseQuery, DataSource
from segments.sources import actions
from segments.sources.databases.actions import QuerySettings, import_query, try_query
from segments.sources.databases.errors import sentence_of
from segments.sources.databases.process import ReadingFailed, WarehouseRequest, run_reader
from segments.sources.databases.warehouses.rows import Login
from segments.sources.databases.warehouses.targets import reach
from segments.sources.databases.warehouses.trino import open_rows
from segments.sources.import_job import run_import
from tests.support.database_queries import failure_of, query_settings, run_query
from tests.support.profiles import get_profile, profile_count
from tests.support.trino_server import PASSWORD, TrinoServer, trino_server
from tests.support.workers import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Settings) -> Iterator[TrinoServer]:
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8", "::1"]
    with trino_server() as found:
        yield found


@pytest.fixture
def encrypted_server(settings: Settings, tmp_path: Path) -> Iterator[TrinoServer]:
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8", "::1"]
    with trino_server(tmp_path) as found:
        settings.DATABASE_SOURCE_CA = found.certificate
        yield found


def settings_for(server: TrinoServer, query: str = "customers") -> QuerySettings:
    return query_settings(server, DatabaseEngine.TRINO, query)


def test_rows_become_profiles_with_the_types_of_the_warehouse(server: TrinoServer) -> None:
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
        "born": "1990-02-28",
        "seen": "2024-02-29T10:00:00.500000+00:00",
        "at": "2024-02-29T08:00:00.250000+00:00",
        "tags": ["a", "b;c"],
    }
    assert get_profile("3").attributes == {"id": "3"}
    types = {each.name: str(each.data_type) for each in catalog.attributes()}
    assert (types["zip"], types["age"], types["spent"]) == ("text", "integer", "number")
    assert "raw" not in types
    assert job.file_name == "Trino (preview): shop.main at localhost"


def test_every_statement_runs_in_a_transaction_that_only_reads(server: TrinoServer) -> None:
    try_query(settings_for(server, "SELECT id FROM customers"), by=None)
    assert [transaction for transaction, _text in server.statements] == ["NONE", "read-only"]
    assert server.statements[0][1] == "START TRANSACTION READ ONLY"
    sent = server.headers[-1]
    assert (sent["X-Trino-Catalog"], sent["X-Trino-Schema"], sent["X-Trino-Time-Zone"]) == ("shop", "main", "UTC")
    assert "X-Trino-Query-Data-Encoding" not in sent


def test_no_results_from_a_bucket_are_asked_for(server: TrinoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver.client, "CODECS_UNAVAILABLE", {"lz4": "it is not installed"})
    monkeypatch.setattr(driver.transaction, "START_TRANSACTION", driver.transaction.START_TRANSACTION)
    login = Login("localhost", server.port, "shop.main", "", "reader", "", "none", "", 60)
    rows = open_rows(login, "SELECT id FROM customers")
    assert next(rows.batches) == [["1"], ["2"], ["3"]]
    rows.close()
    assert not any("X-Trino-Query-Data-Encoding" in sent for sent in server.headers)


def test_a_query_whose_rows_are_no_longer_wanted_is_canceled(server: TrinoServer, settings: Settings) -> None:
    settings.DATABASE_SOURCE_ROWS = 1_000
    numbers = "UNNEST(SEQUENCE(1, 9000)) AS t(n)"
    job = run_query(settings_for(server, f"SELECT n AS id FROM {numbers}"))
    assert "more than 1,000 rows" in job.message or "more than 1000 rows" in job.message
    assert server.canceled


def test_rows_are_fetched_page_by_page(server: TrinoServer) -> None:
    numbers = "UNNEST(SEQUENCE(1, 2500)) AS t(n)"
    query = f"SELECT n AS id, 'a' || chr(10) || chr(34) || ',' || CAST(n AS varchar) AS note FROM {numbers}"
    job = run_query(settings_for(server, query))
    assert (job.status, job.rows_created) == (JobStatus.SUCCESSFUL, 2_500)
    assert get_profile("2500").attributes["note"] == 'a\n",2500'


def test_a_refresh_runs_the_stored_query_again(server: TrinoServer) -> None:
    run_query(settings_for(server, "SELECT id, name FROM customers"))
    job = run_import(actions.refresh_data_source(DataSource.objects.get(), by=None).pk)
    assert job is not None
    assert (job.status, job.rows_unchanged) == (JobStatus.SUCCESSFUL, 3)


def test_a_page_at_another_address_is_refused(server: TrinoServer) -> None:
    with trino_server() as other:
        server.next_page = f"http://localhost:{other.port}/v1/statement/1/0"
        assert "refers to the address “127.0.0.1”, which is not its own" in failure_of(settings_for(server))
        server.next_page = f"http://other.example.com:{server.port}/v1/statement/1/0"
        assert "refers to the address “other.example.com”" in failure_of(settings_for(server))
        assert other.headers == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT\n missing FROM customers", "There is no column “missing”. Line 2"),
        ("SELECT id FROM missing", "There is no table “shop.main.missing”"),
        ("DELETE FROM customers", "Enter a single SELECT query. This is DELETE."),
        ("SELECT 1 AS id; SELECT 2 AS id", "These are 2 statements"),
    ],
)
def test_errors_of_the_query_are_explained(server: TrinoServer, query: str, words: str) -> None:
    assert words in failure_of(settings_for(server, query))


def test_errors_of_the_connection_are_explained(server: TrinoServer, settings: Settings) -> None:
    entered = settings_for(server)
    assert "refused the connection" in failure_of(replace(entered, port=free_port()))
    asked = len(server.headers)
    assert "A password is sent only with encryption." in failure_of(replace(entered, password=PASSWORD))
    assert len(server.headers) == asked
    settings.DATABASE_SOURCE_HOSTS = []
    assert "internal network" in failure_of(entered)


def test_a_password_needs_encryption_and_the_certificate_is_verified(
    encrypted_server: TrinoServer, settings: Settings
) -> None:
    entered = replace(settings_for(encrypted_server), encryption=DatabaseEncryption.VERIFY)
    assert try_query(entered, by=None).rows[0][:2] == ["1", "01234"]
    assert "The user or the password is incorrect." in failure_of(replace(entered, password="wrong"))
    settings.DATABASE_SOURCE_CA = ""
    assert "certificate of the server cannot be verified" in failure_of(entered)
    assert try_query(replace(entered, encryption=DatabaseEncryption.REQUIRE), by=None).rows


def test_a_query_that_takes_too_long_is_ended(server: TrinoServer, settings: Settings) -> None:
    job = import_query(settings_for(server), source_name="Shop", key_column="id", names=["id"], by=None)
    job.source.database_query.query = "SELECT sleep() AS id"
    job.source.database_query.save()
    settings.DATABASE_SOURCE_SECONDS = 2
    ended = run_import(job.pk)
    assert ended is not None
    assert (ended.status, bool(re.search("too long|within 2 second", ended.message))) == (JobStatus.FAILED, True)


def read_with_little_memory(server: TrinoServer, folder: Path, text: str) -> list[list[str | None]]:
    given = {"host": "localhost", "port": server.port, "user": "reader", "encryption": "none"}
    reached = reach(DatabaseQuery(engine="trino", query=text, **given), "", seconds=60)
    request = WarehouseRequest(
        reached.module, reached.login, reached.hosts, (), text, 10, str(folder), 64, 1, overhead_mb=128
    )
    return run_reader(request, seconds=60, check=lambda: None).first_rows


def test_a_page_that_is_too_large_ends_the_reader(server: TrinoServer, tmp_path: Path) -> None:
    assert read_with_little_memory(server, tmp_path, "SELECT 1 AS id") == [["1"]]
    with pytest.raises(ReadingFailed) as failure:
        read_with_little_memory(server, tmp_path, "SELECT large() AS id")
    assert "needed more memory" in sentence_of(str(failure.value), failure.value.kind)[0]


def test_the_rows_are_limited(server: TrinoServer, settings: Settings) -> None:
    settings.DATABASE_SOURCE_ROWS = 2
    job = run_query(settings_for(server))
    assert (job.status, "more than 2 rows" in job.message, profile_count()) == (JobStatus.FAILED, True, 0)


def test_no_log_has_the_password_and_no_file_stays(
    encrypted_server: TrinoServer, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    with caplog.at_level(logging.DEBUG):
        run_query(replace(settings_for(encrypted_server), encryption=DatabaseEncryption.VERIFY))
    assert PASSWORD not in caplog.text
    assert [each for each in (tmp_path / "uploads").rglob("*") if each.is_file()] == []

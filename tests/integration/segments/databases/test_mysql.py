"""Import the rows of a query in MySQL or MariaDB."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from config.platform.jobs import leases
from config.platform.jobs.models import JobStatus
from segments.models import DatabaseEncryption, DatabaseEngine, DataSource
from segments.sources.databases.actions import QuerySettings, import_query, try_query
from segments.sources.import_job import run_import
from tests.support.database_queries import failure_of, query_settings
from tests.support.foreign_mariadb import ForeignMariadb, file_thief, foreign_mariadb, is_installed
from tests.support.profiles import get_profile
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignMariadb]:
    if not is_installed():
        pytest.skip("MariaDB (mariadbd) is not installed on this machine")
    with foreign_mariadb(tmp_path_factory.mktemp("foreign-mariadb")) as running:
        yield running


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8"]


def settings_for(server: ForeignMariadb, query: str = "customers") -> QuerySettings:
    return query_settings(server, DatabaseEngine.MYSQL, query)


def test_rows_become_profiles_with_the_types_of_the_database(server: ForeignMariadb) -> None:
    entered = settings_for(server)
    found = try_query(entered, by=None)
    job = import_query(entered, source_name="Shop", key_column="id", names=found.names, by=None)
    ended = run_import(job.pk)
    assert ended is not None
    assert (ended.status, ended.message, ended.rows_created) == (JobStatus.SUCCESSFUL, "", 2)
    profile = get_profile("1")
    assert profile.attributes == {
        "id": "1",
        "zip": "01234",
        "name": "Väinö😀",
        "email": "vaino@example.com",
        "age": 30,
        "spent": 12.5,
        "ok": True,
        "born": "1990-02-28",
        "seen": "2024-02-29T10:00:00.500000+00:00",
        "doc": '{"a":1}',
    }
    assert profile.originals == {}
    plans = {plan["column"]: plan for plan in DataSource.objects.get().column_plans}
    assert plans["email"]["is_email"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": "wrong"}, "The user or the password is incorrect."),
        ({"database": "nothing"}, "The user has no access to the database “nothing”."),
        ({"encryption": DatabaseEncryption.VERIFY}, "The certificate of the server cannot be verified"),
        ({"query": "SELECT missing FROM customers"}, "There is no column “missing”."),
        ({"query": "salaries"}, "The user has no permission to read"),
        ({"query": "SELECT id, id FROM customers"}, "The query has two columns named “id”."),
        ({"query": "SELECT *\nFROM customers WHERE id = = 1"}, "Line 2 of the query is not valid SQL for MySQL"),
        ({"query": "SELECT 1 AS id; DROP TABLE customers"}, "These are 2 statements"),
    ],
)
def test_a_failure_is_a_sentence_that_names_the_cause(
    server: ForeignMariadb, change: dict[str, object], sentence: str
) -> None:
    assert sentence in failure_of(replace(settings_for(server), **change))  # type: ignore[arg-type]


def test_the_way_is_encrypted_and_the_server_verified(server: ForeignMariadb, settings: Settings) -> None:
    query = (
        "SELECT variable_value AS cipher FROM information_schema.session_status WHERE variable_name = 'ssl_cipher'"
    )
    entered = replace(settings_for(server, query), encryption=DatabaseEncryption.REQUIRE)
    assert try_query(entered, by=None).rows != [[""]]
    settings.DATABASE_SOURCE_CA = server.certificate
    verified = replace(entered, encryption=DatabaseEncryption.VERIFY, host="localhost")
    assert try_query(verified, by=None).rows != [[""]]


def test_a_server_cannot_read_files_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the key", encoding="utf-8")
    with file_thief(tmp_path / "secret") as thief:
        failure_of(settings_for(ForeignMariadb(thief.port)))
    assert thief.asked
    assert thief.stolen == []


def test_values_that_other_databases_do_not_have(server: ForeignMariadb) -> None:
    entered = settings_for(server, "shapes")
    found = try_query(entered, by=None)
    job = import_query(entered, source_name="Shop", key_column="id", names=found.names, by=None)
    ended = run_import(job.pk)
    assert ended is not None
    assert ended.status == JobStatus.WARNINGS
    profile = get_profile("1")
    assert profile.attributes == {
        "id": "1",
        "tiny": -5,
        "bit_flag": True,
        "price": 1.2345678901234568e27,
        "ratio": 1.1,
        "lasts": "-838:59:59",
        "made": 2024,
        "one": "b",
        "some": "x,y",
        "bytes": "AB",
        "notes": "Łódź 😀",
        "stamped": "2024-06-01T10:00:00+00:00",
        "doc": '{"a": [1, "ż"]}',
    }
    assert {name: profile.originals[name] for name in ("flag", "big")} == {
        "flag": "2",
        "big": "18446744073709551615",
    }
    other = get_profile("2").attributes
    assert (other["flag"], other["bit_flag"], other["big"], other["price"]) == (True, False, 2**63 - 1, -0.05)
    assert (other["day"], other["part"], other["moment"]) == (
        "2024-02-29",
        "1000-01-01",
        "9999-12-31T23:59:59+00:00",
    )


@pytest.mark.parametrize("call", ["wipe()", "shop.wipe()", "`wipe` ( )", "WIPE()"])
def test_a_stored_function_that_may_write_is_not_called(server: ForeignMariadb, call: str) -> None:
    """Sessions of MySQL cannot be made read-only through DuckDB."""
    failure = failure_of(settings_for(server, f"SELECT id, {call} AS done FROM customers"))
    assert "calls the stored function “wipe”, which may change data" in failure
    assert server.execute("SELECT count(*) FROM orders") == "1"


def test_a_stored_function_that_only_reads_is_called(server: ForeignMariadb) -> None:
    found = try_query(settings_for(server, "SELECT id, shortened(name) AS name FROM customers"), by=None)
    assert found.rows == [["1", "Väi"], ["2", ""]]


def test_a_lost_connection_is_named(server: ForeignMariadb) -> None:
    query = "SELECT id, sleep(60) AS slept FROM customers"
    job = import_query(settings_for(server, query), source_name="S", key_column="id", names=["id"], by=None)
    of_reader = "information_schema.processlist WHERE user = 'reader' AND info LIKE '%sleep%'"

    def kill() -> None:
        wait_until(lambda: server.execute(f"SELECT count(*) FROM {of_reader}") != "0")
        server.execute(f"KILL {server.execute(f'SELECT id FROM {of_reader}')}")

    with ThreadPoolExecutor(1) as threads:
        killing = threads.submit(kill)
        ended = run_import(job.pk)
        killing.result()
    assert ended is not None
    assert (ended.status, ended.message) == (
        JobStatus.FAILED,
        "The connection to the database was lost. Try again.",
    )


def test_a_canceled_import_ends_its_session(server: ForeignMariadb, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "SELECT id, sleep(60) AS slept FROM customers"
    job = import_query(settings_for(server, query), source_name="S", key_column="id", names=["id"], by=None)
    sessions = "SELECT count(*) FROM information_schema.processlist WHERE user = 'reader'"
    checked = leases.HeldLease.check

    def cancel_once_it_runs(lease: leases.HeldLease) -> None:
        if server.execute(f"{sessions} AND info LIKE '%sleep%'") != "0":
            lease.cancel_requested.set()
        checked(lease)

    monkeypatch.setattr(leases.HeldLease, "check", cancel_once_it_runs)
    ended = run_import(job.pk)
    assert ended is not None
    assert ended.status == JobStatus.CANCELED
    wait_until(lambda: server.execute(sessions) == "0", seconds=100)

"""Import the rows of a query in PostgreSQL."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from segments import catalog
from segments.models import DatabaseEncryption, DatabaseEngine, DatabaseQuery, DataSource, ImportJob
from segments.sources import actions
from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.sources.databases.actions import QuerySettings, import_query, try_query
from segments.sources.import_job import run_import
from tests.support.database_queries import failure_of, query_settings
from tests.support.foreign_postgres import PASSWORD, ForeignPostgres
from tests.support.profiles import get_profile, profile_count
from tests.support.workers import free_port

pytestmark = pytest.mark.django_db


def settings_for(server: ForeignPostgres, query: str = "customers") -> QuerySettings:
    return query_settings(server, DatabaseEngine.POSTGRESQL, query)


def run_query(entered: QuerySettings, *plans: ColumnPlan, key: str = "id", by: User | None = None) -> ImportJob:
    names = try_query(entered, by=by).names
    job = import_query(entered, source_name="Shop", key_column=key, names=names, plans=plans, by=by)
    ended = run_import(job.pk)
    assert ended is not None
    return ended


def test_rows_become_profiles_with_the_types_of_the_database(shop_server: ForeignPostgres) -> None:
    job = run_query(settings_for(shop_server))
    assert (job.status, job.message, job.rows_read, job.rows_created) == (JobStatus.SUCCESSFUL, "", 3, 3)
    profile = get_profile("1")
    assert profile.attributes == {
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
    assert profile.originals == {}
    assert get_profile("3").attributes == {"id": "3"}
    types = {each.name: str(each.data_type) for each in catalog.attributes()}
    assert types["zip"] == "text"
    assert types["age"] == "integer"
    assert types["spent"] == "number"
    assert types["doc"] == "text"
    assert "raw" not in types


def test_original_texts_are_not_stored_beside_the_values(shop_server: ForeignPostgres) -> None:
    run_query(settings_for(shop_server))
    assert not any(each.has_originals for each in catalog.attributes())


def test_an_email_column_is_found_by_its_values(shop_server: ForeignPostgres) -> None:
    run_query(settings_for(shop_server, "SELECT id, email AS address FROM customers"))
    plans = {plan["column"]: plan for plan in DataSource.objects.get().column_plans}
    assert plans["address"] == {"column": "address", "is_email": True}


def test_decided_plans_hold(shop_server: ForeignPostgres) -> None:
    plans = [
        ColumnPlan("age", attribute="Years", type=ColumnType.TEXT),
        ColumnPlan("name", is_ignored=True),
    ]
    run_query(settings_for(shop_server, "SELECT id, name, age FROM customers WHERE id = 1;"), *plans)
    assert get_profile("1").attributes == {"id": "1", "Years": "30"}


def test_a_refresh_runs_the_stored_query_again(shop_server: ForeignPostgres, bob: User) -> None:
    run_query(settings_for(shop_server, "SELECT id, name FROM customers"))
    shop_server.execute("INSERT INTO customers (id, name) VALUES (40, 'Zofia')")
    try:
        job = actions.refresh_data_source(DataSource.objects.get(), by=bob)
        ended = run_import(job.pk)
    finally:
        shop_server.execute("DELETE FROM customers WHERE id = 40")
    assert ended is not None
    assert (ended.status, ended.rows_created, ended.rows_unchanged) == (JobStatus.SUCCESSFUL, 1, 3)
    assert ended.file_name == "PostgreSQL: shop at 127.0.0.1"
    assert profile_count() == 4


def test_the_password_is_encrypted_and_may_be_a_reference(
    shop_server: ForeignPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIAL_SHOP", PASSWORD)
    entered = replace(settings_for(shop_server), password="env:CREDENTIAL_SHOP")
    assert run_query(entered).status == JobStatus.SUCCESSFUL
    stored = DatabaseQuery.objects.get().credentials
    assert stored is not None
    assert stored.open() == {"password": "env:CREDENTIAL_SHOP"}
    monkeypatch.delenv("CREDENTIAL_SHOP")
    assert "CREDENTIAL_SHOP" in failure_of(entered)


def test_without_a_new_password_the_stored_one_counts(shop_server: ForeignPostgres) -> None:
    run_query(settings_for(shop_server))
    again = replace(settings_for(shop_server, "SELECT id FROM customers"), password=None)
    source = DataSource.objects.get()
    assert try_query(again, source=source, by=None).names == ("id",)


def test_nothing_holds_the_password_in_the_clear(
    shop_server: ForeignPostgres, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        run_query(settings_for(shop_server), by=alice)
        DatabaseQuery.objects.update(query="SELECT id, 1/(id - 1) AS x FROM customers ORDER BY id")
        job = run_import(actions.refresh_data_source(DataSource.objects.get(), by=alice).pk)
    assert job is not None
    assert (job.status, job.message) == (JobStatus.FAILED, "The query divides by zero.")
    entries = [f"{each.action} {each.changes}" for each in AuditEntry.objects.filter(target_kind="datasource")]
    for text in (caplog.text, job.message, *entries, repr(settings_for(shop_server))):
        assert PASSWORD not in text
    assert any("password" in each for each in entries)


def test_only_administrators_set_up_databases(shop_server: ForeignPostgres, bob: User) -> None:
    with pytest.raises(PermissionDenied):
        try_query(settings_for(shop_server), by=bob)
    with pytest.raises(PermissionDenied):
        import_query(settings_for(shop_server), source_name="Shop", key_column="id", names=["id"], by=bob)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": "wrong"}, "The user or the password is incorrect."),
        ({"user": "ghost"}, "The user or the password is incorrect."),
        ({"database": "nothing"}, "The server has no database “nothing”."),
        ({"encryption": DatabaseEncryption.REQUIRE}, "does not support encryption"),
        ({"host": "no-such-host.invalid"}, "cannot be resolved"),
        ({"host": "/var/run"}, "is not a valid host name"),
        ({"query": "SELECT id,\n nothing FROM customers"}, "There is no column “nothing”. Line 2 of the query."),
        ({"query": "SELECT id FROM nothing"}, "There is no table “nothing”. Line 1 of the query."),
        ({"query": "SELECT nothing(id) FROM customers"}, "There is no function “nothing” for these values."),
        ({"query": "salaries"}, "The user has no permission to read “salaries”."),
        ({"query": "SELECT id, id FROM customers"}, "The query has two columns named “id”."),
        ({"query": "SELECT nextval('orders') AS id"}, "The query changes data."),
        ({"query": "SELECT 1/(id - 1) AS id FROM customers"}, "The query divides by zero."),
        ({"query": "SELECT name::int AS id FROM customers"}, "converts a value to the type “integer”"),
        ({"query": "DELETE FROM customers"}, "This is DELETE."),
    ],
)
def test_a_failure_is_a_sentence_that_names_the_cause(
    shop_server: ForeignPostgres, change: dict[str, object], sentence: str
) -> None:
    failure = failure_of(replace(settings_for(shop_server), **change))  # type: ignore[arg-type]
    assert sentence in failure
    assert "Aino" not in failure


def test_a_refused_connection_is_named(shop_server: ForeignPostgres) -> None:
    assert "refused the connection" in failure_of(replace(settings_for(shop_server), port=free_port()))


def test_internal_addresses_are_refused_unless_a_setting_lists_them(
    shop_server: ForeignPostgres, settings: Settings
) -> None:
    settings.DATABASE_SOURCE_HOSTS = []
    for host in ("127.0.0.1", "localhost", "169.254.169.254", "::ffff:127.0.0.1"):
        assert "is in an internal network" in failure_of(replace(settings_for(shop_server), host=host))


def test_a_query_that_takes_too_long_is_ended(shop_server: ForeignPostgres, settings: Settings) -> None:
    job = run_query(settings_for(shop_server))
    settings.DATABASE_SOURCE_SECONDS = 1
    DatabaseQuery.objects.update(query="SELECT id, pg_sleep(60)::text AS x FROM customers")
    job = actions.refresh_data_source(DataSource.objects.get(), by=None)
    ended = run_import(job.pk)
    assert ended is not None
    assert ended.status == JobStatus.FAILED
    assert "too long" in ended.message or "within 1 seconds" in ended.message


def test_too_many_rows_are_refused(shop_server: ForeignPostgres, settings: Settings) -> None:
    settings.DATABASE_SOURCE_ROWS = 2
    job = run_query(settings_for(shop_server))
    assert (job.status, job.message) == (
        JobStatus.FAILED,
        "The query returns more than 2 rows. Nothing was changed.",
    )
    assert profile_count() == 0


def test_a_query_without_rows_changes_nothing(shop_server: ForeignPostgres) -> None:
    job = run_query(settings_for(shop_server, "SELECT * FROM customers WHERE id > 1000"))
    assert (job.status, job.message) == (JobStatus.FAILED, "The query returned no rows. Nothing was changed.")


def test_nothing_is_left_in_the_upload_folder(shop_server: ForeignPostgres, settings: Settings) -> None:
    run_query(settings_for(shop_server))
    assert list(Path(settings.UPLOAD_DIR).glob("import-*")) == []

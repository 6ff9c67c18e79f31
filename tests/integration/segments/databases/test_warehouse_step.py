"""Set up a query of a warehouse in the browser and by the command."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from config.platform.audit.models import AuditEntry
from segments.models import DatabaseQuery, ImportJob
from segments.sources import import_job
from segments.sources.databases.fetch import QueryFailed
from tests.integration.segments.databases.test_database_step import DATABASE, errors_of, fields_of
from tests.support.clickhouse_server import PASSWORD, ClickhouseServer, clickhouse_server
from tests.support.profiles import get_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Settings) -> Iterator[ClickhouseServer]:
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8", "::1"]
    with clickhouse_server() as found:
        yield found


def entered(engine: str, **given: str) -> dict[str, str]:
    return {"engine": engine, "encryption": "none", "query": "SELECT id, name FROM customers", **given}


def to_clickhouse(server: ClickhouseServer, **changes: str) -> dict[str, str]:
    given = {"host": server.host, "port": str(server.port), "database": "shop", "user": "reader"}
    return entered("clickhouse", **given, password=server.password, **changes)


def test_it_leads_from_a_warehouse_to_the_import(alice_client: Client, server: ClickhouseServer) -> None:
    step = alice_client.post(DATABASE, to_clickhouse(server))
    assert step.status_code == 200, step.context["form"].errors
    assert "Väinö😀" in step.content.decode()
    posted = fields_of(step) | {"source_name": "Web shop"}
    assert alice_client.post(DATABASE, posted).status_code == 302
    query = DatabaseQuery.objects.get()
    assert import_job.run_import(ImportJob.objects.get().pk)
    assert get_profile("2").attributes == {"id": "2", "name": "Väinö😀"}
    stored = str(query.__dict__) + str([each.__dict__ for each in AuditEntry.objects.all()])
    assert PASSWORD not in stored
    assert (query.engine, query.warehouse) == ("clickhouse", "")


def test_the_stored_password_is_not_shown_to_another_server(
    alice_client: Client, server: ClickhouseServer
) -> None:
    posted = fields_of(alice_client.post(DATABASE, to_clickhouse(server))) | {"source_name": "Web shop"}
    alice_client.post(DATABASE, posted)
    address = f"{DATABASE}?source={DatabaseQuery.objects.get().source_id}"
    again = to_clickhouse(server) | {"password": ""}
    assert alice_client.post(address, again).status_code == 200
    with clickhouse_server() as other:
        response = alice_client.post(address, again | {"port": str(other.port)})
        assert "password" in errors_of(response)
        assert other.requests == []


@pytest.mark.parametrize(
    ("posted", "fields"),
    [
        (entered("snowflake"), {"host", "user"}),
        (entered("bigquery"), {"database"}),
        (entered("databricks"), {"host", "warehouse"}),
        (entered("clickhouse"), {"host", "user"}),
        (entered("trino"), {"host", "user"}),
        (entered("snowflake", host="a/b", user="u"), {"host"}),
        (entered("databricks", host="example.com", warehouse="/sql/1.0/warehouses/1"), {"host"}),
        (entered("bigquery", database="shop-123456", password="secret"), {"password"}),
    ],
)
def test_what_is_missing_or_wrong_is_shown_beside_its_field(
    alice_client: Client, posted: dict[str, str], fields: set[str]
) -> None:
    assert set(errors_of(alice_client.post(DATABASE, posted))) == fields


def test_a_missing_driver_is_named_beside_the_type(alice_client: Client) -> None:
    response = alice_client.post(DATABASE, entered("snowflake", host="example-shop1", user="u", password="p"))
    assert errors_of(response) == {
        "engine": [
            "Snowflake (preview) needs the Python package snowflake-connector-python<5. "
            "A server administrator has to install it: pip install -r drivers/snowflake.lock."
        ]
    }


def test_what_a_vendor_hosts_is_always_encrypted(alice_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[DatabaseQuery] = []

    def first_rows(query: DatabaseQuery) -> Any:
        tried.append(query)
        raise QueryFailed("stopped")

    monkeypatch.setattr("segments.sources.databases.actions.first_rows", first_rows)
    alice_client.post(DATABASE, entered("snowflake", host="example-shop1", user="u", port="80", warehouse="WH"))
    alice_client.post(DATABASE, entered("trino", host="db.example.com", user="u", port="80", warehouse="WH"))
    assert [(each.encryption, each.port, each.warehouse) for each in tried] == [
        ("verify", None, "WH"),
        ("none", 80, ""),
    ]


def test_the_command_imports_from_a_warehouse(
    server: ClickhouseServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDENTIAL_SHOP", PASSWORD)
    address = f"clickhouse://reader@localhost:{server.port}/shop?encryption=none"
    options = ["--query", "SELECT id, name FROM customers", "--key", "id", "--source", "Shop"]
    call_command("import_from_database", address, *options, "--password", "env:CREDENTIAL_SHOP")
    assert get_profile("1").attributes == {"id": "1", "name": "Aino"}


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("bigquery://shop", "“shop” is not a project ID."),
        ("snowflake://u@example-shop1/shop?warehouse=WH", "needs the Python package snowflake-connector-python<5"),
        (
            "databricks://example.com/main?warehouse=/sql/1.0/warehouses/1",
            "The host of a Databricks workspace ends",
        ),
    ],
)
def test_the_command_says_what_is_wrong(address: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=re.escape(sentence)):
        call_command("import_from_database", address, "--query", "a", "--key", "id", "--source", "Shop")

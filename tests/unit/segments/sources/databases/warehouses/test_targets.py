"""Which addresses the driver of a warehouse may connect to, and what is refused before."""

import json
import socket
from typing import Any

import pytest
from pytest_django import Settings

from segments.models import DatabaseEncryption, DatabaseEngine, DatabaseQuery
from segments.sources.databases.attach import DatabaseRefused
from segments.sources.databases.warehouses import targets
from segments.sources.databases.warehouses.targets import Reached, reach

PUBLIC, INTERNAL = "93.184.216.34", "10.0.0.7"
KEY = {
    "type": "service_account",
    "private_key": "-----BEGIN PRIVATE KEY-----",
    "client_email": "reader@shop-123456.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the addresses of names that are not public; all drivers are installed."""
    known: dict[str, str] = {}

    def resolve(name: str, *_arguments: Any, **_named: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known.get(name, PUBLIC), 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(targets, "find_spec", lambda _package: object())
    monkeypatch.setattr(targets, "version", lambda _name: "4.8.1")
    return known


def query(engine: DatabaseEngine, **given: Any) -> DatabaseQuery:
    return DatabaseQuery(engine=engine, query="customers", **given)


def reached(engine: DatabaseEngine, password: str = "secret", **given: Any) -> Reached:
    return reach(query(engine, **given), password, seconds=60)


def refusal_of(engine: DatabaseEngine, password: str = "secret", **given: Any) -> tuple[str, str]:
    with pytest.raises(DatabaseRefused) as refusal:
        reached(engine, password, **given)
    return str(refusal.value), refusal.value.field


@pytest.mark.parametrize(
    ("engine", "encryption", "port"),
    [
        (DatabaseEngine.CLICKHOUSE, DatabaseEncryption.VERIFY, 8443),
        (DatabaseEngine.CLICKHOUSE, DatabaseEncryption.NONE, 8123),
        (DatabaseEngine.TRINO, DatabaseEncryption.REQUIRE, 443),
        (DatabaseEngine.TRINO, DatabaseEncryption.NONE, 8080),
    ],
)
def test_the_port_depends_on_the_encryption(
    engine: DatabaseEngine, encryption: DatabaseEncryption, port: int
) -> None:
    assert reached(engine, "", host="db.example.com", encryption=encryption).login["port"] == port
    assert reached(engine, "", host="db.example.com", encryption=encryption, port=1234).login["port"] == 1234


def test_a_password_of_trino_is_not_sent_without_encryption() -> None:
    sentence, field = refusal_of(DatabaseEngine.TRINO, host="db.example.com", encryption=DatabaseEncryption.NONE)
    assert ("A password is sent only with encryption." in sentence, field) == (True, "encryption")


def test_the_host_is_resolved_once_and_checked(names: dict[str, str], settings: Settings) -> None:
    assert reached(DatabaseEngine.TRINO, host="db.example.com").hosts == {"db.example.com": [PUBLIC]}
    names["db.example.com"] = INTERNAL
    sentence, field = refusal_of(DatabaseEngine.TRINO, host="db.example.com")
    assert ("internal network" in sentence, field) == (True, "host")
    settings.DATABASE_SOURCE_HOSTS = ["10.0.0.0/8"]
    assert reached(DatabaseEngine.TRINO, host="db.example.com").hosts == {"db.example.com": [INTERNAL]}


def test_an_internationalized_host_is_named_as_drivers_resolve_it() -> None:
    found = reached(DatabaseEngine.TRINO, host="bücher.example.com")
    assert (found.login["host"], list(found.hosts)) == ("xn--bcher-kva.example.com", ["xn--bcher-kva.example.com"])
    assert refusal_of(DatabaseEngine.TRINO, host="a..example.com") == (
        "“a..example.com” is not a valid host name.",
        "host",
    )


@pytest.mark.parametrize(
    ("account", "host"),
    [
        ("example-shop1", "example-shop1.snowflakecomputing.com"),
        ("Example-shop_1.snowflakecomputing.com", "example-shop-1.snowflakecomputing.com"),
        ("ab12345.eu-central-1", "ab12345.eu-central-1.snowflakecomputing.com"),
        ("ab12345.west-europe.azure", "ab12345.west-europe.azure.snowflakecomputing.com"),
    ],
)
def test_an_account_of_snowflake_is_part_of_its_host(account: str, host: str) -> None:
    found = reached(DatabaseEngine.SNOWFLAKE, host=account)
    assert (found.hosts, found.login["host"], found.login["port"]) == ({host: [PUBLIC]}, host, 443)


@pytest.mark.parametrize(
    "account", ["", "a/b", "evil.example.com/", "a@b", "a b", "a#", "a?b", "a:1", "-a", "a..b", "a.b.c.d.e", "ä"]
)
def test_what_is_no_account_of_snowflake_is_refused(account: str) -> None:
    assert refusal_of(DatabaseEngine.SNOWFLAKE, host=account)[1] == "host"


def test_snowflake_in_a_private_network_is_refused(names: dict[str, str]) -> None:
    names["ab12345.privatelink.snowflakecomputing.com"] = INTERNAL
    assert "internal network" in refusal_of(DatabaseEngine.SNOWFLAKE, host="ab12345.privatelink")[0]


def test_databricks_is_reached_at_its_own_hosts_alone() -> None:
    path = "/sql/1.0/warehouses/1a2b3c"
    for host in ("dbc-1.cloud.databricks.com", "ADB-1.2.azuredatabricks.net", "1.gcp.databricks.com"):
        assert reached(DatabaseEngine.DATABRICKS, host=host, warehouse=path).hosts == {host.lower(): [PUBLIC]}
    for host in ("", "example.com", "cloud.databricks.com", "x.cloud.databricks.com.example.com"):
        assert refusal_of(DatabaseEngine.DATABRICKS, host=host, warehouse=path)[1] == "host"
    for other in ("", "/api/2.0/secrets", "/sql/1.0/../../x?y", "sql/1 0"):
        host = "dbc-1.cloud.databricks.com"
        assert refusal_of(DatabaseEngine.DATABRICKS, host=host, warehouse=other)[1] == "warehouse"


def test_bigquery_is_reached_at_google_alone() -> None:
    found = reached(DatabaseEngine.BIGQUERY, json.dumps(KEY), database="shop-123456")
    assert set(found.hosts) == {"bigquery.googleapis.com", "oauth2.googleapis.com"}
    assert (found.suffixes, found.login["port"]) == ((), 443)
    assert refusal_of(DatabaseEngine.BIGQUERY, json.dumps(KEY), database="shop/../x")[1] == "database"


@pytest.mark.parametrize(
    "change",
    [
        {"token_uri": "https://evil.example.com/token"},
        {"token_uri": "http://oauth2.googleapis.com/token"},
        {"token_uri": "https://oauth2.googleapis.com/token@evil.example.com"},
        {"token_uri": None},
        {"universe_domain": "evil.example.com"},
        {"type": "authorized_user"},
        {"type": "external_account"},
        {"private_key": ""},
        {"client_email": ""},
    ],
)
def test_a_key_file_that_leads_elsewhere_is_refused(change: dict[str, Any]) -> None:
    key = json.dumps({**KEY, **change})
    assert refusal_of(DatabaseEngine.BIGQUERY, key, database="shop-123456")[1] == "password"


@pytest.mark.parametrize("password", ["", "secret", "[]", "1", '"a"', "null", "{}"])
def test_what_is_no_key_file_is_refused(password: str) -> None:
    sentence, field = refusal_of(DatabaseEngine.BIGQUERY, password, database="shop-123456")
    assert (sentence, field) == ("Enter the key file of a service account (JSON) as the password.", "password")


@pytest.mark.parametrize("engine", [each for each in DatabaseEngine if each.is_warehouse])
def test_a_missing_driver_is_named(engine: DatabaseEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "find_spec", lambda _package: None)
    with pytest.raises(
        DatabaseRefused, match=r"needs the Python package [a-z<5-]+\..* drivers/\w+\.lock\."
    ) as refusal:
        targets.check_driver(engine)
    assert refusal.value.field == "engine"


def test_a_driver_that_the_address_guard_does_not_see_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "version", lambda _name: "5.0.0")
    sentence, field = refusal_of(DatabaseEngine.SNOWFLAKE, host="example-shop1")
    assert ("needs the Python package snowflake-connector-python<5" in sentence, field) == (True, "engine")


def test_no_text_of_what_is_reached_has_the_password() -> None:
    found = reached(DatabaseEngine.TRINO, "secret-1", host="db.example.com")
    assert "secret-1" not in f"{found!r} {found}"

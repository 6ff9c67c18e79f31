"""What the drivers are told that tests do not have: of Snowflake, BigQuery and Databricks. A stand-in notes it."""

import json
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from segments.sources.databases.warehouses import bigquery, databricks, snowflake
from segments.sources.databases.warehouses.rows import Login, Rows

LOGIN = Login("host", 443, "shop.main", "WH", "reader", "secret", "verify", "/certificates.pem", 60)


class Driver:
    """Stands in for a driver: notes the arguments of its calls."""

    def __init__(self, columns: list[Any], rows: list[list[Any]]) -> None:
        self.description, self._rows = columns, rows
        self.given: dict[str, Any] = {}
        self.queries: list[str] = []
        self.closed = 0

    def connect(self, **given: Any) -> "Driver":
        self.given |= given
        return self

    def cursor(self, **given: Any) -> "Driver":
        self.given |= given
        return self

    def execute(self, query: str) -> None:
        self.queries.append(query)

    def close(self) -> None:
        self.closed += 1

    def fetchmany(self, size: int) -> list[list[Any]]:
        found, self._rows = self._rows[:size], self._rows[size:]
        return found


def install(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    """Let ``import name`` give a module with these members."""
    parent, _dot, last = name.rpartition(".")
    module = ModuleType(name)
    module.__dict__.update(members)
    monkeypatch.setitem(sys.modules, name, module)
    if parent:
        install(monkeypatch, parent, **{last: module})


def texts_of(rows: Rows) -> list[list[str | None]]:
    read = [row for batch in rows.batches for row in batch]
    rows.close()
    return read


def test_snowflake_connects_to_its_account_and_asks_no_one_else(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [
        SimpleNamespace(name="ID", type_code=0, scale=0),
        SimpleNamespace(name="A", type_code=10, scale=None),
    ]
    driver = Driver(columns, [[1, '["a"]'], [2, None]])
    install(monkeypatch, "snowflake.connector", connect=driver.connect)
    login = replace(LOGIN, host="example-shop1.snowflakecomputing.com")
    assert texts_of(snowflake.open_rows(login, "SELECT 1")) == [["1", '["a"]'], ["2", None]]
    expected = {
        "account": "example-shop1",
        "host": "example-shop1.snowflakecomputing.com",
        "password": "secret",
        "database": "shop",
        "schema": "main",
        "warehouse": "WH",
        "disable_ocsp_checks": True,
        "platform_detection_timeout_seconds": 0,
    }
    assert {name: driver.given[name] for name in expected} == expected
    assert driver.given["session_parameters"]["STATEMENT_TIMEOUT_IN_SECONDS"] == 60
    assert driver.given["session_parameters"]["ABORT_DETACHED_QUERY"] is True
    assert driver.given["session_parameters"]["CLIENT_TELEMETRY_ENABLED"] is False
    assert (driver.queries, driver.closed) == (["SELECT 1"], 2)


def test_snowflake_takes_a_private_key_as_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver([], [])
    install(monkeypatch, "snowflake.connector", connect=driver.connect)
    key = rsa.generate_private_key(65_537, 2_048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    snowflake.open_rows(replace(LOGIN, password=pem), "SELECT 1")
    assert driver.given["private_key"] == key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert "password" not in driver.given


def test_databricks_fetches_no_files_and_sends_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver([("id", "bigint", None, None, None, None, True)], [[1]])
    install(monkeypatch, "databricks.sql", connect=driver.connect)
    assert texts_of(databricks.open_rows(replace(LOGIN, warehouse="/sql/1.0/warehouses/1"), "SELECT 1")) == [["1"]]
    expected = {
        "server_hostname": "host",
        "http_path": "/sql/1.0/warehouses/1",
        "access_token": "secret",
        "use_cloud_fetch": False,
        "use_kernel": False,
        "enable_telemetry": False,
        "_tls_trusted_ca_file": "/certificates.pem",
        "catalog": "shop",
        "schema": "main",
    }
    assert {name: driver.given[name] for name in expected} == expected
    assert driver.given["session_configuration"] == {"TIMEZONE": "UTC", "STATEMENT_TIMEOUT": "60"}
    assert driver.closed == 2


def test_bigquery_gets_a_token_that_only_allows_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: dict[str, Any] = {}
    page = [SimpleNamespace(values=lambda: (1, ["a"]))]
    fields = [
        SimpleNamespace(name="id", field_type="INTEGER", mode="NULLABLE"),
        SimpleNamespace(name="tags", field_type="STRING", mode="REPEATED"),
    ]

    def query_and_wait(query: str, **given: Any) -> Any:
        noted.update(given, query=query)
        return SimpleNamespace(schema=fields, pages=[page])

    class Client:
        def __init__(self, **given: Any) -> None:
            noted.update(given)
            self.query_and_wait = query_and_wait

    class Credentials:
        @staticmethod
        def from_service_account_info(info: dict[str, str], *, scopes: tuple[str, ...]) -> str:
            noted.update(info=info, scopes=scopes)
            return "credentials"

    install(monkeypatch, "google.oauth2.service_account", Credentials=Credentials)
    install(monkeypatch, "google.cloud.bigquery", Client=Client, QueryJobConfig=dict)
    login = replace(LOGIN, database="shop-123456", password=json.dumps({"client_email": "reader"}))
    assert texts_of(bigquery.open_rows(login, "SELECT 1")) == [["1", '["a"]']]
    assert noted["scopes"] == ("https://www.googleapis.com/auth/bigquery.readonly",)
    assert (noted["project"], noted["credentials"], noted["query"]) == ("shop-123456", "credentials", "SELECT 1")
    assert (noted["info"], noted["job_config"]) == ({"client_email": "reader"}, {"job_timeout_ms": 60_000})

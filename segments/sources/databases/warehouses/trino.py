"""Open the rows of a query in Trino: over HTTP, in a transaction that only reads, page by page."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import trino.auth
import trino.client
import trino.dbapi
import trino.transaction

from segments.sources.databases.warehouses.rows import (
    Column,
    Login,
    Rows,
    Text,
    as_texts,
    closing,
    fetched,
    number_kind,
    text_of,
)

_READ_ONLY = "START TRANSACTION READ ONLY"
_CONNECT_SECONDS = 10
_PAGE_SECONDS = 120
_DECIMAL = re.compile(r"decimal\(\d+, ?(\d+)\)")
_FRACTION = re.compile(r"(\.\d{6})\d+")
_KINDS = (
    (re.compile(r"(tiny|small|big)int$|integer$"), "integer"),
    (re.compile(r"(real|double)$"), "number"),
    (re.compile(r"boolean$"), "boolean"),
    (re.compile(r"date$"), "date"),
    (re.compile(r"timestamp(\(\d+\))? with time zone$"), "moment"),
    (re.compile(r"timestamp(\(\d+\))?$"), "datetime"),
    (re.compile(r"array\("), "list"),
    (re.compile(r"varbinary$"), "binary"),
)


def open_rows(login: Login, query: str) -> Rows:
    """Connect and run the query in a transaction that only reads. Raises PermissionError without one."""
    catalog, schema = login.catalog_and_schema
    # The driver's own statement, which is written by the server's grammar, says no access mode.
    trino.transaction.START_TRANSACTION = _READ_ONLY
    # Without a package that decompresses results, the driver would ask for results from a bucket of the server.
    trino.client.CODECS_UNAVAILABLE.clear()
    connection = trino.dbapi.Connection(
        host=login.url_host,
        port=login.port,
        user=login.user,
        catalog=catalog,
        schema=schema or None,
        source="segment-exports",
        http_scheme="https" if login.is_encrypted else "http",
        auth=trino.auth.BasicAuthentication(login.user, login.password) if login.password else None,
        verify=login.authorities if login.is_verified else False,
        session_properties={"query_max_run_time": f"{login.seconds:d}s"},
        request_timeout=(_CONNECT_SECONDS, _PAGE_SECONDS),
        isolation_level=trino.transaction.IsolationLevel.READ_UNCOMMITTED,
        legacy_primitive_types=True,  # as the server writes them
        legacy_prepared_statements=False,
        timezone="UTC",
        encoding=None,  # type: ignore[arg-type] # results are not fetched from a bucket
    )
    cursor = connection.cursor()
    if connection.transaction is None or connection.transaction.id == trino.transaction.NO_TRANSACTION:
        raise PermissionError("the session is not read-only")
    cursor.execute(query)
    columns = [Column(each.name, kind_of(each.type_code)) for each in cursor.description]
    return as_texts(columns, fetched(cursor), _text_of, closing(cursor, connection))


def kind_of(declared: str) -> str:
    """Return the kind of the texts of a column by its type in Trino."""
    if found := _DECIMAL.match(declared):
        return number_kind(int(found[1]))
    return next((kind for pattern, kind in _KINDS if pattern.match(declared)), "text")


def _text_of(value: Any, kind: str) -> Text:
    if kind == "moment" and isinstance(value, str):
        return in_utc(value)
    return text_of(value, kind)


def in_utc(text: str) -> str:
    """Return a moment as Trino writes it, such as ``2024-02-29 10:00:00.5 Europe/Helsinki``, in UTC; unchanged
    where it cannot be one of Python, such as one before the year 1: it does not match the type."""
    clock, _space, zone = text.rpartition(" ")
    clock = _FRACTION.sub(r"\1", clock)
    if zone in ("UTC", "Z"):
        return clock
    try:
        if zone[:1] in "+-":
            moment = datetime.fromisoformat(clock + zone)
        else:
            moment = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone))
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    except (ValueError, OverflowError, ZoneInfoNotFoundError):
        return text

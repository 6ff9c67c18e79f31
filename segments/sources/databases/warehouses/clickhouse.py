"""Open the rows of a query in ClickHouse: over HTTP, with the setting ``readonly``, block by block."""

import re
from typing import Any

import clickhouse_connect
from clickhouse_connect import common

from segments.sources.databases.warehouses.rows import (
    Column,
    Login,
    Rows,
    Text,
    as_texts,
    closing,
    number_kind,
    text_of,
)

_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)", re.DOTALL)
_SCALE = re.compile(r"Decimal(?:\d+)?\((?:\d+, *)?(\d+)\)")
_CONNECT_SECONDS = 10
_KINDS = (
    (re.compile(r"U?Int\d+$"), "integer"),
    (re.compile(r"B?Float\d+$"), "number"),
    (re.compile(r"Bool$"), "boolean"),
    (re.compile(r"Date(32)?$"), "date"),
    (re.compile(r"DateTime(64)?\b"), "moment"),
    (re.compile(r"Array\("), "list"),
)


def open_rows(login: Login, query: str) -> Rows:
    """Connect and run the query. Raises PermissionError where the session may write."""
    # A user who may only read cannot change settings; then those of the user count.
    common.set_setting("invalid_setting_action", "drop")
    client = clickhouse_connect.get_client(
        interface="https" if login.is_encrypted else "http",
        host=login.url_host,
        port=login.port,
        username=login.user,
        password=login.password,
        database=login.database,
        verify=login.is_verified,
        ca_cert=login.authorities if login.is_verified else None,
        connect_timeout=_CONNECT_SECONDS,
        send_receive_timeout=login.seconds,
        query_limit=0,
        query_retries=0,
        autogenerate_session_id=False,
        settings={
            "readonly": 1,
            "max_execution_time": login.seconds,
            "cancel_http_readonly_queries_on_client_close": 1,
        },
    )
    _check_readonly(client)
    stream: Any = client.query_row_block_stream(query)
    columns = [
        Column(name, kind_of(declared.name))
        for name, declared in zip(stream.source.column_names, stream.source.column_types, strict=True)
    ]
    return as_texts(columns, _blocks(stream), text_of_value, closing(stream.source, client))


def kind_of(declared: str) -> str:
    """Return the kind of the texts of a column by its type in ClickHouse."""
    while wrapped := _WRAPPED.fullmatch(declared):
        declared = wrapped[1]
    if found := _SCALE.fullmatch(declared):
        return number_kind(int(found[1]))
    return next((kind for pattern, kind in _KINDS if pattern.match(declared)), "text")


def text_of_value(value: Any, kind: str) -> Text:
    """Return the text of a value of the driver."""
    if kind == "list" and isinstance(value, list | tuple):
        value = [_decoded(each) for each in value]
    return text_of(_decoded(value), kind)


def _decoded(value: Any) -> Any:
    """Return the text of a FixedString, which the driver gives as bytes with NULs behind; other bytes stay."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return value


def _check_readonly(client: Any) -> None:
    found = client.query("SELECT value FROM system.settings WHERE name = 'readonly'").result_rows
    if [str(value) for (value,) in found] not in (["1"], ["2"]):
        raise PermissionError("the session is not read-only")


def _blocks(stream: Any) -> Any:
    with stream:
        yield from stream

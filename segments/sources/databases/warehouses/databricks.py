"""Open the rows of a query in a SQL warehouse of Databricks. Its sessions cannot be made read-only: one SELECT is
sent, and the form asks for a user who can only read."""

import re
from typing import Any

from segments.sources.databases.warehouses.rows import (
    BATCH,
    Column,
    Login,
    Rows,
    as_texts,
    closing,
    fetched,
    number_kind,
)

_BUFFER_BYTES = 8 << 20
_SOCKET_SECONDS = 120
_DECIMAL = re.compile(r"decimal")
_KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "integer"),
    **dict.fromkeys(("float", "double"), "number"),
    "boolean": "boolean",
    "date": "date",
    "timestamp": "moment",
    "timestamp_ntz": "datetime",
    "array": "list",
    "binary": "binary",
}


def open_rows(login: Login, query: str) -> Rows:
    """Connect and run the query."""
    import databricks.sql

    catalog, schema = login.catalog_and_schema
    connection = databricks.sql.connect(
        server_hostname=login.host,
        http_path=login.warehouse,
        access_token=login.password,
        catalog=catalog or None,
        schema=schema or None,
        session_configuration={"TIMEZONE": "UTC", "STATEMENT_TIMEOUT": str(login.seconds)},
        user_agent_entry="segment-exports",
        use_cloud_fetch=False,  # results are not fetched from addresses that the server names
        enable_telemetry=False,
        use_kernel=False,  # it connects in Rust, which the address guard does not see
        _tls_trusted_ca_file=login.authorities,
        _socket_timeout=_SOCKET_SECONDS,
        _retry_stop_after_attempts_count=3,
    )
    cursor: Any = connection.cursor(arraysize=BATCH, buffer_size_bytes=_BUFFER_BYTES)
    cursor.execute(query)
    columns = [Column(each[0], kind_of(each[1], each[5])) for each in cursor.description]
    return as_texts(columns, fetched(cursor), close=closing(cursor, connection))


def kind_of(declared: str, scale: int | None) -> str:
    """Return the kind of the texts of a column by its type in Databricks."""
    return number_kind(scale) if _DECIMAL.match(declared) else _KINDS.get(declared, "text")

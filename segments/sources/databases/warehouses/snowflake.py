"""Open the rows of a query in Snowflake. Its sessions cannot be made read-only: one SELECT is sent, and the form
asks for a user who can only read."""

from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from segments.sources.databases.warehouses.rows import Column, Login, Rows, as_texts, closing, fetched, number_kind

_LOGIN_SECONDS = 30
_NETWORK_SECONDS = 120
# By the codes of types of Snowflake.
_FIXED = 0
_KINDS = {
    1: "number",
    3: "date",
    4: "datetime",
    6: "moment",
    7: "moment",
    8: "datetime",
    10: "list",
    11: "binary",
    13: "boolean",
}


def open_rows(login: Login, query: str) -> Rows:
    """Connect and run the query."""
    import snowflake.connector

    database, schema = login.catalog_and_schema
    connection = snowflake.connector.connect(
        account=login.host.removesuffix(".snowflakecomputing.com"),
        host=login.host,
        port=login.port,
        user=login.user,
        **_credentials(login.password),
        database=database or None,
        schema=schema or None,
        warehouse=login.warehouse or None,
        application="segment_exports",
        login_timeout=_LOGIN_SECONDS,
        network_timeout=_NETWORK_SECONDS,
        client_prefetch_threads=1,
        platform_detection_timeout_seconds=0,  # it would ask the machine's metadata service
        disable_ocsp_checks=True,  # they go to addresses that certificates name; the certificate is verified
        session_parameters={
            "STATEMENT_TIMEOUT_IN_SECONDS": login.seconds,
            "TIMEZONE": "UTC",
            "ABORT_DETACHED_QUERY": True,  # when this process is ended
            "CLIENT_TELEMETRY_ENABLED": False,
            "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON",
        },
    )
    cursor = connection.cursor()
    cursor.execute(query)
    columns = [Column(each.name, kind_of(each.type_code, each.scale)) for each in cursor.description]
    return as_texts(columns, fetched(cursor), close=closing(cursor, connection))


def kind_of(code: int, scale: int | None) -> str:
    """Return the kind of the texts of a column by the code of its type in Snowflake."""
    return number_kind(scale) if code == _FIXED else _KINDS.get(code, "text")


def _credentials(password: str) -> dict[str, Any]:
    """Return the password, or the private key that is entered in its place, as the driver wants it."""
    if not password.startswith("-----BEGIN"):
        return {"password": password}
    key = load_pem_private_key(password.encode(), password=None)
    return {"private_key": key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())}

"""Compose what DuckDB executes to attach a database read-only, and the expression that reads the rows of a
query."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from config.platform.hosts import HostRefused, resolve_host
from segments.models import DatabaseEncryption, DatabaseEngine, DatabaseQuery
from segments.sources.databases.query import checked_query
from segments.store.engine import extension_path, quoted

_NAME: Final = "source"  # of the attached database
_PORTS: Final = {DatabaseEngine.POSTGRESQL: 5432, DatabaseEngine.MYSQL: 3306}
_CONNECT_SECONDS: Final = 10
_SSL_MODES: Final = {
    DatabaseEncryption.NONE: "disable",
    DatabaseEncryption.REQUIRE: "require",
    DatabaseEncryption.VERIFY: "verify-full",
}
_EXTENSIONS: Final = {
    DatabaseEngine.POSTGRESQL: "postgres_scanner",
    DatabaseEngine.MYSQL: "mysql_scanner",
    DatabaseEngine.SQLITE: "sqlite_scanner",
}


class DatabaseRefused(Exception):
    """The address of a database cannot be used; the message is for users. ``field`` is the field that is wrong."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Attachment:
    """The statements that attach a database as ``source``, and what to select from. Has the password."""

    setup: Sequence[str] = field(repr=False)
    source: str = field(repr=False)


def attachment(query: DatabaseQuery, password: str, *, first_rows: int | None = None) -> Attachment:
    """Return how to read the rows of a query. ``first_rows`` lets the server stop after so many. Raises
    DatabaseRefused and QueryRefused."""
    engine = DatabaseEngine(query.engine)
    text = checked_query(query.query, engine)
    if first_rows is not None:  # the query of the user keeps its lines
        text = f"SELECT * FROM ({text}\n) AS first_rows LIMIT {first_rows:d}"
    if engine is not DatabaseEngine.POSTGRESQL:
        raise DatabaseRefused(_("This kind of database cannot be read yet."), "engine")
    load = f"LOAD {quoted(str(extension_path(_EXTENSIONS[engine])))}"
    setup = [load, *_attach_postgresql(query, password)]
    return Attachment(setup, f"postgres_query({quoted(_NAME)}, {quoted(text + chr(10))})")


def addresses_of(query: DatabaseQuery) -> list[str]:
    """Return the addresses of the server. Raises DatabaseRefused."""
    try:
        return resolve_host(query.host, allowed=settings.DATABASE_SOURCE_HOSTS, setting="DATABASE_SOURCE_HOSTS")
    except HostRefused as refusal:
        raise DatabaseRefused(str(refusal), "host") from refusal


def _attach_postgresql(query: DatabaseQuery, password: str) -> list[str]:
    """Attach a server by its checked addresses; the name is for its certificate. The password is a secret of
    DuckDB, so that no error quotes it."""
    addresses = addresses_of(query)
    port = str(query.port or _PORTS[DatabaseEngine.POSTGRESQL])
    encryption = DatabaseEncryption(query.encryption)
    limit = f"{settings.DATABASE_SOURCE_SECONDS * 1000:d}"
    options = {
        "host": ",".join(query.host for _address in addresses),
        "hostaddr": ",".join(addresses),
        "port": ",".join(port for _address in addresses),
        "dbname": query.database,
        "user": query.user,
        "sslmode": _SSL_MODES[encryption],
        "connect_timeout": str(_CONNECT_SECONDS),
        "application_name": "segment-exports",
        "options": f"-c default_transaction_read_only=on -c statement_timeout={limit}",
    }
    if encryption is DatabaseEncryption.VERIFY:
        options["sslrootcert"] = DEFAULT_CA_BUNDLE_PATH
    given = " ".join(f"{name}={_libpq_quoted(value)}" for name, value in options.items())
    secret = f", PASSWORD {quoted(password)}" if password else ""
    return [
        f"CREATE SECRET login (TYPE postgres{secret})",
        f"ATTACH {quoted(given)} AS {_NAME} (TYPE postgres, READ_ONLY, SECRET login)",
    ]


def _libpq_quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

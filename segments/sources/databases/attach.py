"""Compose what DuckDB executes to attach a database read-only, and the expression that reads the rows of a
query."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from config.platform.hosts import HostRefused, resolve_host
from segments.models import DatabaseEncryption, DatabaseEngine, DatabaseQuery
from segments.sources.databases.query import checked_query, stored_functions_in
from segments.sources.file_names import is_in_source_folder
from segments.store.engine import extension_path, libpq_quoted, quoted

_NAME: Final = "source"  # of the attached database
_PORTS: Final = {DatabaseEngine.POSTGRESQL: 5432, DatabaseEngine.MYSQL: 3306, DatabaseEngine.REDSHIFT: 5439}
_CONNECT_SECONDS: Final = 10
_SSL_MODES: Final = {
    DatabaseEncryption.NONE: "disable",
    DatabaseEncryption.REQUIRE: "require",
    DatabaseEncryption.VERIFY: "verify-full",
}
_MYSQL_SSL_MODES: Final = {
    DatabaseEncryption.NONE: "disabled",
    DatabaseEncryption.REQUIRE: "required",
    DatabaseEncryption.VERIFY: "verify_identity",
}
# The functions that let the database itself run a query.
_FUNCTIONS: Final = {
    DatabaseEngine.POSTGRESQL: "postgres_query",
    DatabaseEngine.MYSQL: "mysql_query",
    DatabaseEngine.SQLITE: "sqlite_query",
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
    """The statements that attach a database as ``source``, and what to select from. Has the password.
    ``bytes_are_text`` says that the database gives some texts as bytes; ``writing`` is a query of the functions in
    the query that may write, empty where the session is read-only; ``flag_setting`` is the setting that reads
    small numbers as yes/no."""

    setup: Sequence[str] = field(repr=False)
    source: str = field(repr=False)
    bytes_are_text: bool = False
    writing: str = ""
    flag_setting: str = ""


def attachment(query: DatabaseQuery, password: str, *, first_rows: int | None = None) -> Attachment:
    """Return how to read the rows of a query. ``first_rows`` lets the database stop after so many. Raises
    DatabaseRefused and QueryRefused."""
    engine = DatabaseEngine(query.engine)
    text = query_text(query, first_rows=first_rows)
    setup, source = _ATTACH[engine](query, password), quoted(_NAME)
    if engine is DatabaseEngine.DUCKDB:
        return Attachment(setup, f"({text}\n) AS {_NAME}_rows")
    load = f"LOAD {quoted(str(extension_path(_EXTENSIONS[engine])))}"
    function = f"{_FUNCTIONS[engine]}({source}, {quoted(text + chr(10))})"
    if engine is not DatabaseEngine.MYSQL:
        return Attachment([load, *setup], function)
    return Attachment(
        [load, "SET mysql_incomplete_dates_as_nulls = true", *setup],  # such as 2024-00-15
        function,
        bytes_are_text=True,
        writing=_writing_functions(stored_functions_in(text, engine)),
        flag_setting="mysql_tinyint1_as_boolean",
    )


def _writing_functions(names: Sequence[str]) -> str:
    """Return the query of those of the functions that are stored in MySQL and do not say that they only read: its
    sessions cannot be made read-only by DuckDB. Empty without functions."""
    if not names:
        return ""
    listed = ", ".join(quoted(name) for name in names)
    text = (
        "SELECT routine_name AS name FROM information_schema.routines WHERE routine_type = 'FUNCTION'"
        f" AND lower(routine_name) IN ({listed}) AND sql_data_access NOT IN ('NO SQL', 'READS SQL DATA')"
    )
    return f"SELECT name FROM mysql_query({quoted(_NAME)}, {quoted(text)})"


def query_text(query: DatabaseQuery, *, first_rows: int | None = None) -> str:
    """Return the checked query; with ``first_rows`` the database may stop after so many. Raises QueryRefused."""
    text = checked_query(query.query, DatabaseEngine(query.engine))
    if first_rows is None:
        return text
    return f"SELECT * FROM ({text}\n) AS first_rows LIMIT {first_rows:d}"  # the lines of the user stay the same


def addresses_of(query: DatabaseQuery) -> list[str]:
    """Return the addresses of the server. Raises DatabaseRefused."""
    try:
        return resolve_host(query.host, allowed=settings.DATABASE_SOURCE_HOSTS, setting="DATABASE_SOURCE_HOSTS")
    except HostRefused as refusal:
        raise DatabaseRefused(str(refusal), "host") from refusal


def libpq_options(query: DatabaseQuery) -> dict[str, str]:
    """Return the options of libpq that lead to the checked addresses of a server, without the password. Raises
    DatabaseRefused."""
    addresses = addresses_of(query)
    port = str(query.port or _PORTS[DatabaseEngine(query.engine)])
    encryption = DatabaseEncryption(query.encryption)
    options = {
        "host": ",".join(query.host for _address in addresses),
        "hostaddr": ",".join(addresses),
        "port": ",".join(port for _address in addresses),
        "dbname": query.database,
        "user": query.user,
        "sslmode": _SSL_MODES[encryption],
        "connect_timeout": str(_CONNECT_SECONDS),
        "application_name": "segment-exports",
    }
    if encryption is DatabaseEncryption.VERIFY:
        options["sslrootcert"] = authorities()
    return options


def _attach_postgresql(query: DatabaseQuery, password: str) -> list[str]:
    """Attach a server by its checked addresses; the name is for its certificate. The password is a secret of
    DuckDB, so that no error quotes it."""
    limit = f"{settings.DATABASE_SOURCE_SECONDS * 1000:d}"
    options = {
        **libpq_options(query),
        "options": f"-c default_transaction_read_only=on -c statement_timeout={limit}",
    }
    given = " ".join(f"{name}={libpq_quoted(value)}" for name, value in options.items())
    secret = f", PASSWORD {quoted(password)}" if password else ""
    return [
        f"CREATE SECRET login (TYPE postgres{secret})",
        f"ATTACH {quoted(given)} AS {_NAME} (TYPE postgres, READ_ONLY, SECRET login)",
    ]


def _attach_mysql(query: DatabaseQuery, password: str) -> list[str]:
    """Attach a server by its checked address. Where its certificate is verified, its name is needed; no internal
    server has a certificate of a public authority for it."""
    encryption = DatabaseEncryption(query.encryption)
    address = addresses_of(query)[0]
    is_verified = encryption is DatabaseEncryption.VERIFY
    options = {
        "HOST": query.host if is_verified and query.host != "localhost" else address,
        "PORT": str(query.port or _PORTS[DatabaseEngine.MYSQL]),
        "DATABASE": query.database,
        "USER": query.user,
        "PASSWORD": password,
        "SSL_MODE": _MYSQL_SSL_MODES[encryption],
        **({"SSL_CA": authorities()} if is_verified else {}),
    }
    given = ", ".join(f"{name} {quoted(value)}" for name, value in options.items())
    return [
        f"CREATE SECRET login (TYPE mysql, {given})",
        f"ATTACH '' AS {_NAME} (TYPE mysql, READ_ONLY, SECRET login)",
    ]


def _attach_sqlite(query: DatabaseQuery, _password: str) -> list[str]:
    return [f"ATTACH {quoted(str(database_file(query)))} AS {_NAME} (TYPE sqlite, READ_ONLY)"]


def _attach_duckdb(query: DatabaseQuery, _password: str) -> list[str]:
    return [f"ATTACH {quoted(str(database_file(query)))} AS {_NAME} (READ_ONLY)", f"USE {_NAME}"]


def database_file(query: DatabaseQuery) -> Path:
    """Return the real path of a database file. Raises DatabaseRefused when it is not below SOURCE_FOLDERS; of
    others the refusal does not tell whether they exist."""
    path = Path(query.database)
    if not settings.SOURCE_FOLDERS:
        raise DatabaseRefused(
            _(
                "Database files are not allowed. A server administrator can allow them with the "
                "setting SOURCE_FOLDERS."
            ),
            "database",
        )
    real = path.resolve()
    if not path.is_absolute() or not is_in_source_folder(real):
        raise DatabaseRefused(
            _("The file must be in a folder that is listed in the setting SOURCE_FOLDERS: %(folders)s.")
            % {"folders": ", ".join(settings.SOURCE_FOLDERS)},
            "database",
        )
    if not real.is_file():
        raise DatabaseRefused(_("There is no file %(path)s.") % {"path": path}, "database")
    return real


def authorities() -> str:
    """Return the file of the certificates of authorities that servers are verified with."""
    return settings.DATABASE_SOURCE_CA or DEFAULT_CA_BUNDLE_PATH


_ATTACH: Final[dict[DatabaseEngine, Callable[[DatabaseQuery, str], list[str]]]] = {
    DatabaseEngine.POSTGRESQL: _attach_postgresql,
    DatabaseEngine.MYSQL: _attach_mysql,
    DatabaseEngine.SQLITE: _attach_sqlite,
    DatabaseEngine.DUCKDB: _attach_duckdb,
}

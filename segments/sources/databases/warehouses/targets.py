"""Say where each warehouse is, which addresses its driver may connect to, and which package has the driver."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from config.platform.hosts import HostRefused, resolve_host
from segments.models import DatabaseEncryption, DatabaseEngine, DatabaseQuery
from segments.sources.databases.attach import DatabaseRefused, authorities
from segments.sources.databases.warehouses.rows import Login

_HTTPS: Final = 443
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9-]*){0,3}")
_HTTP_PATH: Final = re.compile(r"/?sql/[A-Za-z0-9/_.-]+")
_PROJECT: Final = re.compile(r"([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_WORKSPACES: Final = (".cloud.databricks.com", ".azuredatabricks.net", ".gcp.databricks.com")
# Where Snowflake has the files of large results.
_STAGES: Final = (".amazonaws.com", ".blob.core.windows.net", ".storage.googleapis.com", "storage.googleapis.com")
_GOOGLE: Final = ("bigquery.googleapis.com", "oauth2.googleapis.com")
_TOKEN_ADDRESSES: Final = ("https://oauth2.googleapis.com/token",)


@dataclass(frozen=True)
class Reached:
    """What the reader needs to reach a warehouse. ``hosts`` has the checked addresses by name. It has the
    password."""

    module: str
    login: Mapping[str, str | int]
    hosts: Mapping[str, Sequence[str]]
    suffixes: Sequence[str]

    def __repr__(self) -> str:
        return "<reached>"


@dataclass(frozen=True)
class _Target:
    """A warehouse: its module beside this one, the package to import and what to install, its hosts, its ports
    with and without encryption, and the ends of further hosts. ``below`` is the first major version of the package
    that cannot be used, 0 without one."""

    module: str
    package: str
    distribution: str
    hosts: Callable[[DatabaseQuery], Sequence[str]]
    port: int = _HTTPS
    plain_port: int = _HTTPS
    suffixes: Sequence[str] = ()
    below: int = 0


def reach(query: DatabaseQuery, password: str, *, seconds: int) -> Reached:
    """Return how to reach the warehouse of a query, which may take so many seconds. Raises DatabaseRefused."""
    engine = DatabaseEngine(query.engine)
    target = _TARGETS[engine]
    names = target.hosts(query)
    if engine is DatabaseEngine.BIGQUERY:
        _check_key(password)
    check_driver(engine)
    is_plain = query.encryption == DatabaseEncryption.NONE and target.plain_port != target.port
    if engine is DatabaseEngine.TRINO and is_plain and password:  # the driver would send it before Trino refuses
        raise DatabaseRefused(
            _("A password is sent only with encryption. Choose another setting under Encryption."), "encryption"
        )
    login = Login(
        host=names[0],
        port=query.port or (target.plain_port if is_plain else target.port),
        database=query.database,
        warehouse=query.warehouse,
        user=query.user,
        password=password,
        encryption=query.encryption,
        authorities=authorities(),
        seconds=seconds,
    )
    return Reached(target.module, asdict(login), {name: _addresses(name) for name in names}, target.suffixes)


def check_driver(engine: DatabaseEngine) -> None:
    """Raise DatabaseRefused with the name of the package to install if the driver of a warehouse is missing."""
    target = _TARGETS[engine]
    if not _is_installed(target):
        raise DatabaseRefused(
            _(
                "%(engine)s needs the Python package %(package)s. A server administrator has to install it: "
                "pip install -r %(file)s."
            )
            % {
                "engine": engine.label,
                "package": target.distribution,
                "file": f"drivers/{target.module}.lock",
            },
            "engine",
        )


def _is_installed(target: _Target) -> bool:
    try:
        is_found = find_spec(target.package) is not None
    except ModuleNotFoundError:  # the package that it is in
        return False
    return is_found and not (target.below and _major_version(target) >= target.below)


def _major_version(target: _Target) -> int:
    return int(version(target.distribution.partition("<")[0]).partition(".")[0])


def _addresses(name: str) -> list[str]:
    try:
        return resolve_host(name, allowed=settings.DATABASE_SOURCE_HOSTS, setting="DATABASE_SOURCE_HOSTS")
    except HostRefused as refusal:
        raise DatabaseRefused(str(refusal), "host") from refusal


def _entered_host(query: DatabaseQuery) -> Sequence[str]:
    """Return the host in the form that drivers ask for: of an internationalized name, that of the DNS."""
    try:
        return [query.host.encode("idna").decode()]
    except UnicodeError:
        raise DatabaseRefused(_("“%(host)s” is not a valid host name.") % {"host": query.host}, "host") from None


def _snowflake_host(query: DatabaseQuery) -> Sequence[str]:
    account = query.host.removesuffix(".snowflakecomputing.com")
    if not _ACCOUNT.fullmatch(account):
        raise DatabaseRefused(_("“%(account)s” is not a Snowflake account.") % {"account": query.host}, "host")
    return [f"{account.replace('_', '-').lower()}.snowflakecomputing.com"]


def _databricks_host(query: DatabaseQuery) -> Sequence[str]:
    host = query.host.lower()
    if not host.endswith(_WORKSPACES):
        raise DatabaseRefused(
            _("The host of a Databricks workspace ends with one of: %(ends)s.") % {"ends": ", ".join(_WORKSPACES)},
            "host",
        )
    if not _HTTP_PATH.fullmatch(query.warehouse):
        raise DatabaseRefused(
            _("Enter the HTTP path of the SQL warehouse, such as /sql/1.0/warehouses/1a2b3c."), "warehouse"
        )
    return [host]


def _google_hosts(query: DatabaseQuery) -> Sequence[str]:
    if not _PROJECT.fullmatch(query.database):
        raise DatabaseRefused(_("“%(project)s” is not a project ID.") % {"project": query.database}, "database")
    return _GOOGLE


def _check_key(text: str) -> None:
    """Check that a key file is one of a service account, and leads to Google. Raises DatabaseRefused."""
    try:
        key = json.loads(text)
        is_key = key["type"] == "service_account" and bool(key["private_key"]) and bool(key["client_email"])
    except (ValueError, KeyError, TypeError):
        is_key = False
    if not is_key:
        raise DatabaseRefused(_("Enter the key file of a service account (JSON) as the password."), "password")
    is_google = key.get("universe_domain", "googleapis.com") == "googleapis.com"
    if key.get("token_uri") not in _TOKEN_ADDRESSES or not is_google:
        raise DatabaseRefused(
            _("The key file names another server than Google’s in token_uri or universe_domain."), "password"
        )


_TARGETS: Final[Mapping[DatabaseEngine, _Target]] = {
    DatabaseEngine.CLICKHOUSE: _Target(
        "clickhouse", "clickhouse_connect", "clickhouse-connect", _entered_host, 8443, 8123
    ),
    DatabaseEngine.TRINO: _Target("trino", "trino", "trino", _entered_host, _HTTPS, 8080),
    DatabaseEngine.SNOWFLAKE: _Target(
        "snowflake",
        "snowflake.connector",
        "snowflake-connector-python<5",
        _snowflake_host,
        suffixes=_STAGES,
        below=5,  # from then on it connects in Rust, which the address guard does not see
    ),
    DatabaseEngine.BIGQUERY: _Target("bigquery", "google.cloud.bigquery", "google-cloud-bigquery", _google_hosts),
    DatabaseEngine.DATABRICKS: _Target(
        "databricks", "databricks.sql", "databricks-sql-connector", _databricks_host
    ),
}

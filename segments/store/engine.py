"""Open the profile store: one DuckDB instance for each thread of a process, with the DuckLake attached.

DuckDB runs inside the process. Its extensions are files of installed packages, loaded by path; nothing is
downloaded. An instance belongs to one thread, and to the process that made it: after a fork the child makes its
own. An instance that was used often is replaced, so that no memory gathers in workers, which run for months.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb
from django.conf import settings
from django.db import connection as database

from segments.store import identity
from segments.store.locks import SESSION_NAME

CATALOG_SCHEMA = "lake"  # the schema of the catalog in PostgreSQL
LAKE = "lake"  # the name of the attached lake in DuckDB
# httpfs reads and writes buckets, and has the ciphers: without it DuckDB writes no encrypted temporary file.
_EXTENSIONS = ("httpfs", "ducklake", "postgres_scanner")
# Parameters of the catalog's database that DuckDB keeps as a secret; the others stand in the statement.
_SECRET_NAMES = {"host": "HOST", "port": "PORT", "dbname": "DATABASE", "user": "USER", "password": "PASSWORD"}
_LIBPQ_NAMES = (*_SECRET_NAMES, "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs")
# After so many uses an instance is closed when the work ends. DuckDB, and the last tables of jobs, keep memory.
MOST_USES = 500
_local = threading.local()
# Instances of a parent process; closing them in the child could wait for threads that do not exist there.
_inherited: list[object] = []


@dataclass
class _Instance:
    """The DuckDB connection of a thread, with the process and the catalog that it belongs to."""

    connection: duckdb.DuckDBPyConnection
    process: int
    catalog: tuple[str, ...]
    uses: int = 0  # how often it was used
    blocks: int = 0  # how many blocks use it right now


class ExtensionMissing(RuntimeError):
    """A DuckDB extension is not installed; the message names its file."""


def connect() -> duckdb.DuckDBPyConnection:
    """Return the DuckDB connection of this thread, with the lake attached as ``lake``; made on first use, and
    again after a fork or when Django's database is another one. Raises StoreMismatch."""
    known: _Instance | None = getattr(_local, "instance", None)
    catalog = _catalog()
    if known is not None and known.process != os.getpid():
        _inherited.append(known)
        known = None
    if known is not None and known.catalog != catalog:
        close()
        known = None
    if known is None:
        known = _local.instance = _Instance(_open(), os.getpid(), catalog)
    return known.connection


@contextmanager
def using() -> Iterator[duckdb.DuckDBPyConnection]:
    """Use the DuckDB connection of this thread for a block; blocks may be nested."""
    connection = connect()
    instance: _Instance = _local.instance
    instance.uses += 1
    instance.blocks += 1
    try:
        yield connection
    finally:
        instance.blocks -= 1


def end_work(**_: object) -> None:
    """Close the DuckDB instance of this thread if it was used often: at the end of a task or request, when no job
    has temporary tables in it."""
    known: _Instance | None = getattr(_local, "instance", None)
    if known is not None and known.uses >= MOST_USES and not known.blocks:
        close()


def close() -> None:
    """Close the DuckDB instance of this thread, if there is one; the next use opens another."""
    known: _Instance | None = getattr(_local, "instance", None)
    _local.instance = None
    if known is not None and known.process == os.getpid():
        known.connection.close()


def describe_memory() -> str:
    """Describe how often the DuckDB instance of this thread was used, and what has memory and temporary files, in
    bytes."""
    known: _Instance | None = getattr(_local, "instance", None)
    if known is None:
        return "no instance"
    try:
        used = known.connection.execute(
            "SELECT tag, memory_usage_bytes, temporary_storage_bytes FROM duckdb_memory()"
            " WHERE memory_usage_bytes > 0 OR temporary_storage_bytes > 0 ORDER BY 2 DESC"
        ).fetchall()
    except duckdb.Error as error:
        return f"unknown: {type(error).__name__}"
    shown = "; ".join(f"{tag} {memory:,}, on disk {disk:,}" for tag, memory, disk in used)
    return f"{known.uses} uses: {shown or 'nothing'}"


@contextmanager
def bucket() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB instance without the lake that reaches the bucket of PROFILE_STORE, to copy whole files."""
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "allow_unsigned_extensions": "true"}
    )
    try:
        connection.execute(f"LOAD {quoted(str(extension_path('httpfs')))}")
        _add_bucket_secret(connection)
        yield connection
    finally:
        connection.close()


def verify_identity() -> None:
    """Verify again that PROFILE_STORE has the data of the catalog. Raises StoreMismatch."""
    identity.verify(connect(), _data_path())


def extension_path(name: str) -> Path:
    """Return the file of a DuckDB extension: below DUCKDB_EXTENSION_DIR, or in its package. Raises
    ExtensionMissing."""
    file_name = f"{name}.duckdb_extension"
    if settings.DUCKDB_EXTENSION_DIR:
        path = Path(settings.DUCKDB_EXTENSION_DIR) / file_name
    else:
        spec = find_spec(f"duckdb_extension_{name}")
        folder = Path(spec.origin).parent if spec is not None and spec.origin else Path("duckdb_extension_" + name)
        path = folder / "extensions" / f"v{duckdb.__version__}" / file_name
    if not path.is_file():
        raise ExtensionMissing(
            f"DuckDB {duckdb.__version__} needs the file {path}. Install the package"
            f" duckdb-extension-{name.replace('_', '-')} of the same version, or set DUCKDB_EXTENSION_DIR."
        )
    return path


def quoted(text: str) -> str:
    """Return ``text`` as an SQL literal, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def _open() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            # To check the signatures means to hash 90 MB, which takes 0.6 s in each thread of each process. The
            # files are those of installed packages, whose hashes are locked; no statement of a user can load one.
            "allow_unsigned_extensions": "true",
            "memory_limit": f"{settings.PROFILE_STORE_MEMORY_MB}MB",
            "threads": settings.PROFILE_STORE_THREADS,
            "temp_directory": str(settings.PROFILE_STORE_SPILL_DIR),
            "preserve_insertion_order": "false",
            # The cache of files never forgets that it has read a file, and takes all of the memory limit in each
            # thread. The operating system caches a local folder as well; a bucket is read over the network.
            "enable_external_file_cache": "true" if _is_in_bucket() else "false",
        }
    )
    for name in _EXTENSIONS:
        connection.execute(f"LOAD {quoted(str(extension_path(name)))}")
    connection.execute("SET TimeZone = 'UTC'")
    # A commit that finds the lake changed since it began fails instead of being tried again with stale data.
    connection.execute("SET ducklake_max_retry_count = 0")
    connection.execute("SET temp_file_encryption = true")
    # DuckLake 1.5.5 can have limits of a column that do not hold for earlier versions, or for rows kept in the
    # catalog (DATA_INLINING_ROW_LIMIT); DuckDB would then read wrong values.
    connection.execute("SET disabled_optimizers = 'statistics_propagation,compressed_materialization'")
    _attach(connection)
    try:
        identity.verify(connection, _data_path())
    except BaseException:
        connection.close()
        raise
    return connection


def _attach(connection: duckdb.DuckDBPyConnection) -> None:
    """Attach the lake. The password of the catalog's database is a DuckDB secret, so that no error quotes it."""
    server = _server()
    given = ", ".join(f"{_SECRET_NAMES[name]} {quoted(server[name])}" for name in _SECRET_NAMES if name in server)
    connection.execute(f"CREATE OR REPLACE SECRET catalog (TYPE postgres{', ' if given else ''}{given})")
    _add_bucket_secret(connection)
    # The catalog's sessions wait as long as a large write takes; Django's own have shorter limits.
    options = {name: value for name, value in server.items() if name not in _SECRET_NAMES} | {
        "application_name": SESSION_NAME,
        "options": "-c idle_in_transaction_session_timeout=0 -c statement_timeout=0",
    }
    catalog = " ".join(f"{name}={libpq_quoted(value)}" for name, value in options.items())
    connection.execute(
        f"ATTACH {quoted('ducklake:postgres:' + catalog)} AS {LAKE}"
        f" (DATA_PATH {quoted(_data_path())}, METADATA_SCHEMA {quoted(CATALOG_SCHEMA)}, OVERRIDE_DATA_PATH true,"
        " META_SECRET 'catalog', DATA_INLINING_ROW_LIMIT 0)"
    )


def _server() -> dict[str, str]:
    """Return the parameters that Django connects to its database with, as libpq names them."""
    found = database.get_connection_params()
    return {name: str(found[name]) for name in _LIBPQ_NAMES if found.get(name)}


def libpq_quoted(value: str) -> str:
    """Return a value as it stands in a connection string of libpq."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _data_path() -> str:
    path = str(settings.PROFILE_STORE)
    if not _is_in_bucket():
        Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.rstrip("/") + "/"


def _is_in_bucket() -> bool:
    return str(settings.PROFILE_STORE).startswith("s3://")


def _add_bucket_secret(connection: duckdb.DuckDBPyConnection) -> None:
    """Give DuckDB the credentials of the bucket, when the data are in one."""
    if not _is_in_bucket():
        return
    given = "".join(f", {name} {quoted(value)}" for name, value in settings.PROFILE_STORE_S3.items())
    connection.execute(f"CREATE OR REPLACE SECRET bucket (TYPE s3{given})")


def _catalog() -> tuple[str, ...]:
    """Return what tells one lake from another: the database of the catalog and the place of the data."""
    return (*_server().values(), str(settings.PROFILE_STORE))

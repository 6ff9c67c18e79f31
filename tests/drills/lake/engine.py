"""Open the lake as every process of the torture test does: one DuckDB instance, extensions loaded by path."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
from psycopg2.extensions import make_dsn

from tests.drills.lake.settings import Settings

_EXTENSIONS = ("postgres_scanner", "ducklake")
_CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "512MB",
    "threads": 1,
}


def extension_path(name: str) -> Path:
    """Return the file of a DuckDB extension that was installed as a wheel."""
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise LookupError(f"The package duckdb-extension-{name.replace('_', '-')} is missing.")
    return next(Path(spec.origin).parent.glob(f"extensions/*/{name}.duckdb_extension"))


def open_lake(settings: Settings, application: str) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB instance of its own and attach the lake as ``lake``.

    ``application`` names its sessions in pg_stat_activity, so that those of an ended process can be found.
    """
    connection = duckdb.connect(config={**_CONFIG, "temp_directory": str(settings.folder / "spill")})
    for name in _EXTENSIONS:
        connection.execute(f"LOAD '{extension_path(name)}'")
    connection.execute("SET ducklake_max_retry_count = 0")
    connection.execute("SET TimeZone = 'UTC'")
    dsn = make_dsn(settings.dsn, application_name=application)
    connection.execute(
        f"ATTACH {_quoted(f'ducklake:postgres:{dsn}')} AS lake (DATA_PATH {_quoted(str(settings.data))},"
        f" METADATA_SCHEMA {_quoted(settings.catalog)}, OVERRIDE_DATA_PATH true,"
        f" DATA_INLINING_ROW_LIMIT {settings.inlined_rows})"
    )
    return connection


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

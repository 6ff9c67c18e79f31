"""Load a Parquet file with DuckDB: all values as text, lists and structures as JSON."""

from pathlib import Path
from typing import Final

import duckdb
from django.utils.translation import gettext as _

from segments.sources.column_plan import ColumnType
from segments.sources.files.file_format import FileRefused
from segments.sources.files.header import clean_names
from segments.sources.files.regular_csv import literal, quoted

_DECLARED: Final = {
    "boolean": ColumnType.BOOLEAN,
    "date": ColumnType.DATE,
    "timestamp": ColumnType.DATETIME,
    "timestamp_s": ColumnType.DATETIME,
    "timestamp_ms": ColumnType.DATETIME,
    "timestamp_ns": ColumnType.DATETIME,
    "timestamp with time zone": ColumnType.DATETIME,
    "list": ColumnType.LIST,
}


def load(
    path: Path, connection: duckdb.DuckDBPyConnection, table: str
) -> tuple[tuple[str, ...], dict[int, ColumnType]]:
    """Load a Parquet file into a temporary table. Returns the names of the columns and their declared types.
    Raises FileRefused."""
    source = f"read_parquet([{literal(_without_pattern(path))}], file_row_number=true)"
    try:
        found = connection.execute(f"SELECT * EXCLUDE (file_row_number) FROM {source} LIMIT 0")
        described = found.description or []
        names = clean_names([column[0] for column in described])
        types = [column[1] for column in described]
        texts = [
            f"{_as_text(quoted(column[0]), kind.id)} AS t{position}"
            for position, (column, kind) in enumerate(zip(described, types, strict=True))
        ]
        connection.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE {quoted(table)} AS "
            f"SELECT (file_row_number + 1)::BIGINT AS _line, {', '.join(texts)} FROM {source}"
        )
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
        raise FileRefused(_("The Parquet file is damaged or encrypted.")) from error
    declared = {position: _DECLARED[kind.id] for position, kind in enumerate(types) if kind.id in _DECLARED}
    return names, declared


def _as_text(column: str, kind: str) -> str:
    if kind in ("list", "array", "struct", "map", "union", "variant"):
        text = f"CAST(to_json({column}) AS VARCHAR)"
    elif kind == "timestamp with time zone":
        text = f"CAST(make_timestamp(epoch_us({column})) AS VARCHAR) || 'Z'"
    else:
        text = f"CAST({column} AS VARCHAR)"
    return f"nullif(replace({text}, chr(0), ''), '')" if kind == "varchar" else text


def _without_pattern(path: Path) -> str:
    """Return the path such that DuckDB does not take it for a pattern of names."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))

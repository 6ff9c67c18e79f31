"""Search every value of the database and of the profile store for words that must not be there."""

from pathlib import Path

import duckdb
from django.conf import settings
from django.db import connection


def tables_with(words: str) -> list[str]:
    """Return the names of the tables that hold ``words`` anywhere, in any case."""
    return [table for table in _tables_of("public") if _holds(table, words)]


def _tables_of(schema: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema])
        tables = [name for (name,) in cursor.fetchall()]
    assert tables
    return tables


def _holds(table: str, words: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT FROM {table} t WHERE strpos(lower(t::text), %s) > 0)", [words.lower()]
        )
        return bool(cursor.fetchone()[0])


def store_places_with(words: str, folder: Path | None = None) -> list[str]:
    """Return the tables of the profile store's catalog and the files of the profile store that hold ``words``
    anywhere, in any case: in a value, in the limits of a column, or in the bytes of a file. ``folder`` has a copy
    of the files of a store in a bucket."""
    places = [f"lake.{name}" for name in _tables_of("lake") if _holds(f"lake.{name}", words)]
    files = [path for path in (folder or Path(settings.PROFILE_STORE)).rglob("*") if path.is_file()]
    for path in files:
        if words.lower().encode() in path.read_bytes().lower() or _parquet_holds(path, words):
            places.append(str(path))
    return places


def _parquet_holds(path: Path, words: str) -> bool:
    if path.suffix != ".parquet":
        return False
    row = duckdb.sql(
        f"SELECT count(*) FROM read_parquet('{path}') t"
        f" WHERE contains(lower(CAST(t AS VARCHAR)), lower('{words}'))"
    ).fetchone()
    return row is not None and row[0] > 0

"""Copy the rows of a DuckDB query into a temporary table of Django's session in PostgreSQL.

DuckDB writes the rows as text in the format of COPY, in large pieces, so that Python handles a few of them instead
of millions of values.
"""

from collections.abc import Iterator, Mapping

from django.db import connection as database

from segments.store.lake import Reader

_ROWS_IN_PIECE = 20_000
_ESCAPES = (("chr(92)", "chr(92) || chr(92)"), ("chr(9)", r"'\t'"), ("chr(10)", r"'\n'"), ("chr(13)", r"'\r'"))


def copy_to_temporary_table(reader: Reader, query: str, columns: Mapping[str, str], table: str) -> None:
    """Create the temporary table ``table`` with ``columns`` and their types, until the end of the transaction, and
    fill it with the rows of a query of these columns."""
    definitions = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    with database.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ({definitions}) ON COMMIT DROP")
        with database.wrap_database_errors:
            cursor.copy_expert(f"COPY {table} FROM STDIN", _Pieces(_pieces(reader, query, columns)))


def _pieces(reader: Reader, query: str, columns: Mapping[str, str]) -> Iterator[bytes]:
    line = " || chr(9) || ".join(f"coalesce({_field(name, kind)}, '\\N')" for name, kind in columns.items())
    result = reader.connection.execute(f"SELECT {line} || chr(10) FROM ({query})")
    while rows := result.fetchmany(_ROWS_IN_PIECE):
        yield "".join(line for (line,) in rows).encode()


def _field(name: str, kind: str) -> str:
    if kind != "text":
        return f"CAST({name} AS VARCHAR)"
    text = name
    for character, escaped in _ESCAPES:
        text = f"replace({text}, {character}, {escaped})"
    return text


class _Pieces:
    """A file that psycopg2 reads, one piece for each call."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int = 0) -> bytes:
        return next(self._pieces, b"")

    def readline(self, _size: int = 0) -> bytes:
        return self.read()

"""Reject rows of a loaded file afterwards: a key that is empty or repeated, a value that does not fit."""

import json
from collections.abc import Sequence
from dataclasses import replace

import duckdb

from segments.sources.files.read import LoadedFile
from segments.sources.files.regular_csv import quoted
from segments.sources.files.rejected import csv_line

_ROWS_FETCHED = 2_000


def reject_rows(
    connection: duckdb.DuckDBPyConnection, loaded: LoadedFile, lines: str, *, column: str = "", reason: str
) -> LoadedFile:
    """Move rows from the table of a loaded file to its rejected rows, with their text written again.

    ``lines`` is a query that gives the values of ``_line`` of the rows, ``column`` the name of the column with the
    problem, and ``reason`` a sentence without data. Returns what is left of the file.
    """
    name = quoted(loaded.table)
    found = connection.execute(f"SELECT * FROM {name} WHERE _line IN ({lines}) ORDER BY _line")
    count = 0
    while rows := found.fetchmany(_ROWS_FETCHED):
        for line, *fields in rows:
            loaded.rejected.add(line, column, reason, _text(loaded, fields))
        count += len(rows)
    loaded.rejected.close()
    if count:
        connection.execute(f"DELETE FROM {name} WHERE _line IN ({lines})")
    return replace(loaded, kept=loaded.kept - count)


def _text(loaded: LoadedFile, fields: Sequence[str | None]) -> str:
    if loaded.delimiter:
        return csv_line(fields, loaded.delimiter)
    given = {name: field for name, field in zip(loaded.names, fields, strict=True) if field is not None}
    return json.dumps(given, ensure_ascii=False)

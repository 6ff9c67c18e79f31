"""Reject rows of a loaded file afterwards: a key that is empty or repeated, a value that does not fit."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import duckdb

from segments.sources.files.read import LoadedFile
from segments.sources.files.regular_csv import quoted
from segments.sources.files.rejected import csv_line

_ROWS_FETCHED: Final = 2_000
_REJECTED: Final = "rejected_lines"


def reject_rows(
    connection: duckdb.DuckDBPyConnection,
    loaded: LoadedFile,
    rows: str,
    *,
    column: str = "",
    reason: str | Callable[[Any], str],
) -> LoadedFile:
    """Move rows from the table of a loaded file to its rejected rows, with their text written again.

    ``rows`` is a query that gives the values of ``_line`` of the rows, each at most once, and perhaps a second
    column that a function ``reason`` makes a sentence of. The sentence contains no data. ``column`` is the name of
    the column with the problem. Returns what is left of the file.
    """
    name = quoted(loaded.table)
    names, detail = ("line", "NULL") if isinstance(reason, str) else ("line, detail", "detail")
    connection.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_REJECTED} AS SELECT {names} FROM ({rows}) AS found({names})"
    )
    found = connection.execute(
        f"SELECT {detail}, {name}.* FROM {name} JOIN {_REJECTED} ON line = _line ORDER BY _line"
    )
    count = 0
    while fetched := found.fetchmany(_ROWS_FETCHED):
        for value, number, *fields in fetched:
            sentence = reason if isinstance(reason, str) else reason(value)
            loaded.rejected.add(number, column, sentence, _text(loaded, fields))
        count += len(fetched)
    loaded.rejected.close()
    if count:
        connection.execute(f"DELETE FROM {name} WHERE _line IN (SELECT line FROM {_REJECTED})")
    connection.execute(f"DROP TABLE {_REJECTED}")
    return replace(loaded, kept=loaded.kept - count)


def _text(loaded: LoadedFile, fields: Sequence[str | None]) -> str:
    if loaded.delimiter:
        return csv_line(fields, loaded.delimiter)
    given = {name: field for name, field in zip(loaded.names, fields, strict=True) if field is not None}
    return json.dumps(given, ensure_ascii=False)

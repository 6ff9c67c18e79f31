"""Reject rows of a loaded file afterwards: a key that is empty or repeated, a value that does not fit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import duckdb

from segments.sources.files.read import LoadedFile

REJECTED: Final = "rejected_lines"  # the temporary table of the lines that were rejected last


def reject_rows(
    connection: duckdb.DuckDBPyConnection,
    loaded: LoadedFile,
    rows: str,
    *,
    column: str = "",
    reason: str | Callable[[Any], str],
) -> LoadedFile:
    """Add rows of a loaded file to its rejected rows, with their text. Their lines are in the temporary table
    REJECTED afterwards.

    ``rows`` is a query that gives the lines of rows that were not rejected before, each at most once, and perhaps
    a second column that a function ``reason`` makes a sentence of. The sentence contains no data. ``column`` is
    the name of the column with the problem. Returns what is left of the file.
    """
    names, detail = ("line", "NULL") if isinstance(reason, str) else ("line, detail", "detail")
    connection.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {REJECTED} AS"
        f" SELECT line, {detail} AS detail FROM ({rows}) AS found({names})"
    )
    count = 0
    for record in loaded.texts.select(connection, REJECTED):
        sentence = reason if isinstance(reason, str) else reason(record.detail)
        loaded.rejected.add(record.line, column, sentence, record.text)
        count += 1
    loaded.rejected.close()
    return replace(loaded, kept=loaded.kept - count)

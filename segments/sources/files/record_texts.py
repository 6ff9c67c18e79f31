"""Give the texts of records that are rejected after a file was loaded."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import duckdb

from segments.sources.files.regular_csv import quoted
from segments.sources.files.rejected import csv_line

_ROWS_FETCHED = 2_000


@dataclass(frozen=True)
class FoundRecord:
    """A record that was asked for: the line that it begins on, what the question knows of it, and its text."""

    line: int
    detail: Any
    text: str


class RecordTexts(Protocol):
    """The texts of the records of a file."""

    def select(self, connection: duckdb.DuckDBPyConnection, lines: str) -> Iterator[FoundRecord]:
        """Yield the records on the lines that a table with the columns ``line`` and ``detail`` has, by line. The
        connection cannot be used meanwhile."""

    def drop(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Delete what the texts are kept in."""


@dataclass(frozen=True)
class TableTexts:
    """The records of a table of texts, written again: as CSV, or as JSON when ``delimiter`` is empty."""

    table: str
    names: Sequence[str]
    delimiter: str

    def select(self, connection: duckdb.DuckDBPyConnection, lines: str) -> Iterator[FoundRecord]:
        name = quoted(self.table)
        found = connection.execute(
            f"SELECT detail, {name}.* FROM {name} JOIN {quoted(lines)} ON line = _line ORDER BY _line"
        )
        for detail, line, *fields in _fetched(found):
            yield FoundRecord(line, detail, self._text(fields))

    def drop(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(f"DROP TABLE IF EXISTS {quoted(self.table)}")

    def _text(self, fields: Sequence[str | None]) -> str:
        if self.delimiter:
            return csv_line(fields, self.delimiter)
        given = {name: field for name, field in zip(self.names, fields, strict=True) if field is not None}
        return json.dumps(given, ensure_ascii=False)


@dataclass(frozen=True)
class LineTexts:
    """The lines of a UTF-8 file in which each line is a record. ``is_copy`` says that the file may be deleted."""

    path: Path
    is_copy: bool

    def select(self, connection: duckdb.DuckDBPyConnection, lines: str) -> Iterator[FoundRecord]:
        found = connection.execute(f"SELECT line, detail FROM {quoted(lines)} ORDER BY line")
        reached = 0
        with self.path.open("rb") as file:
            for line, detail in _fetched(found):
                text = next(islice(file, line - reached - 1, None))
                reached = line
                yield FoundRecord(line, detail, text.decode())

    def drop(self, connection: duckdb.DuckDBPyConnection) -> None:
        if self.is_copy:
            self.path.unlink(missing_ok=True)


def _fetched(found: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := found.fetchmany(_ROWS_FETCHED):
        yield from rows

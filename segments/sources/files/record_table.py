"""Write records to a temporary table of DuckDB by way of a temporary CSV file, and check that all arrived."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Final

import duckdb

from segments.sources.files.csv_records import MAX_RECORD_LENGTH
from segments.sources.files.regular_csv import csv_source, quoted, text_columns

_FLUSHED_CHARACTERS: Final = 1 << 20
# Line breaks of values are escaped, so that each record is one line for DuckDB, which reads parts in parallel.
_LINE_END: Final = "\r\n"
_ESCAPE: Final = "\x1b"
_ESCAPES: Final = str.maketrans({_ESCAPE: _ESCAPE + "0", "\n": _ESCAPE + "1", "\r": _ESCAPE + "2"})
_ESCAPED: Final = frozenset(_ESCAPE + "\r\n")


class RecordsLost(Exception):
    """DuckDB did not return what was written: an error of the program."""


class RecordTable:
    """Collects records with their line numbers in a temporary file, which is deleted in the end."""

    def __init__(self, folder: Path, name: str, width: int, delimiter: str = ",") -> None:
        self._path = folder / f"{name}.records.csv"
        self._width = width
        self._delimiter = delimiter
        self._file = self._path.open("wb")
        self._pieces: list[str] = []
        self._size = 0
        self._escaped: set[int] = set()
        self._writer = csv.writer(self, delimiter=delimiter, lineterminator="\n")
        self.count = 0
        self._sum_of_lines = 0

    def __enter__(self) -> "RecordTable":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def add_fields(self, line: int, fields: list[str]) -> None:
        """Add a record."""
        if not _ESCAPED.isdisjoint("".join(fields)):
            self._escaped.update(
                position for position, field in enumerate(fields) if not _ESCAPED.isdisjoint(field)
            )
            fields = [field.translate(_ESCAPES) for field in fields]
        self._writer.writerow([line, *fields])
        self._counted(line)

    def add_plain_lines(self, first: int, lines: list[str]) -> None:
        """Add records by their lines, which have no quotation mark and exactly the fields of the table."""
        delimiter = self._delimiter
        if _ESCAPE in "".join(lines):
            for line, text in enumerate(lines, start=first):
                self.add_fields(line, text.rstrip("\r\n").split(delimiter))
            return
        ended = [f"{line}{delimiter}{text.rstrip(_LINE_END)}\n" for line, text in enumerate(lines, start=first)]
        self.write("".join(ended))
        self.count += len(lines)
        self._sum_of_lines += len(lines) * (2 * first + len(lines) - 1) // 2

    def write(self, text: str) -> None:
        """Write a line of the temporary file."""
        self._pieces.append(text)
        self._size += len(text)
        if self._size > _FLUSHED_CHARACTERS:
            self._flush()

    def load(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Load the records into a temporary table: ``_line``, ``t0``, ``t1`` … Raises RecordsLost."""
        self._flush()
        self._file.close()
        columns = {"_line": "BIGINT", **text_columns(self._width)}
        source = csv_source(self._path, self._delimiter, '"', columns, max_line=4 * MAX_RECORD_LENGTH + 4096)
        values = ", ".join(
            f"{_unescaped(column)} AS {column}" if position in self._escaped else column
            for position, column in enumerate(text_columns(self._width))
        )
        name = quoted(table)
        connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {name} AS SELECT _line, {values} FROM {source}")
        found = connection.execute(f"SELECT count(*), coalesce(sum(_line), 0) FROM {name}").fetchone()
        if found != (self.count, self._sum_of_lines):
            raise RecordsLost(f"{self.count} records were written, but other ones read")

    def _counted(self, line: int) -> None:
        self.count += 1
        self._sum_of_lines += line

    def _flush(self) -> None:
        text = "".join(self._pieces)
        self._file.write(text.encode())
        self._pieces.clear()
        self._size = 0


def _unescaped(column: str) -> str:
    for digit, code in ((1, 10), (2, 13), (0, 27)):
        column = f"replace({column}, chr(27) || '{digit}', chr({code}))"
    return column

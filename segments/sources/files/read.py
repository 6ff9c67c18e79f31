"""Load a file into a temporary table of DuckDB as text: every record is kept or rejected with a reason."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
from django.utils.translation import gettext as _

from segments.sources.column_plan import ColumnType
from segments.sources.files import json_lines, parquet, workbook
from segments.sources.files.csv_records import RecordParser, Unreadable, is_blank, is_storable, records
from segments.sources.files.file_format import FileFormat, FileKind
from segments.sources.files.record_table import RecordTable
from segments.sources.files.record_texts import RecordTexts, TableTexts
from segments.sources.files.regular_csv import load_regular, quoted
from segments.sources.files.rejected import RejectedRows, csv_line
from segments.sources.files.text_file import (
    FirstRows,
    Header,
    as_plain_text,
    first_rows,
    opened_lines,
    read_header,
)

_MAX_MERGED_KEPT: Final = 100
_BLANKS: Final = " || ".join(f"chr({code})" for code in (32, 9, 26, 160))


@dataclass(frozen=True)
class LoadedFile:
    """A file that was read, record by record, whose columns have the names ``names``.

    ``kept`` records are usable; each other record is in ``rejected``. Blank lines are no records. ``texts`` has
    the text of the kept records. ``declared`` has the types that the file itself declares, by position.
    ``merged_lines`` are the first lines of values that contain what looks like further rows: perhaps a quotation
    mark is missing there. ``delimiter`` is that of the file of rejected rows; empty for JSON lines.
    """

    names: tuple[str, ...]
    kept: int
    rejected: RejectedRows
    texts: RecordTexts
    declared: dict[int, ColumnType] = field(default_factory=dict)
    merged_lines: tuple[int, ...] = ()
    delimiter: str = ","

    @property
    def records(self) -> int:
        """The number of records in the file."""
        return self.kept + self.rejected.count


def load(
    path: Path,
    file_format: FileFormat,
    connection: duckdb.DuckDBPyConnection,
    table: str,
    *,
    folder: Path,
    plain: Path | None = None,
) -> LoadedFile:
    """Load a file into a temporary table: ``_line`` (the line that a record begins on) and one text per column,
    ``t0``, ``t1`` …, as it is in the file; NULL when it is empty.

    ``folder`` is private to this import: temporary files are made there, and deleted, and the text of rejected
    rows is written to ``<table>.rejected.csv`` there. ``plain`` is delimited text as unpacked UTF-8 if that was
    made before. Raises FileRefused when the file cannot be used as a whole.
    """
    if file_format.kind is FileKind.CSV:
        with nullcontext(plain) if plain else as_plain_text(path, file_format, folder) as text:
            return _load_text(text, file_format, connection, table, folder)
    suffix = "jsonl" if file_format.kind is FileKind.JSON_LINES else "csv"
    rejected = RejectedRows(folder / f"{table}.rejected.{suffix}")
    if file_format.kind is FileKind.XLSX:
        names, declared = workbook.load(path, file_format, connection, table, folder)
    elif file_format.kind is FileKind.PARQUET:
        names, declared = parquet.load(path, connection, table)
    else:
        with as_plain_text(path, file_format, folder) as text:
            names, declared = json_lines.load(text, connection, table, folder, rejected)
    _delete_blank_rows(connection, table, len(names))
    rejected.close()
    if suffix == "csv":
        rejected.header = csv_line(names, ",")
    delimiter = "," if suffix == "csv" else ""
    texts = TableTexts(table, names, delimiter)
    return LoadedFile(names, _count(connection, table), rejected, texts, declared, delimiter=delimiter)


def preview(path: Path, file_format: FileFormat, *, rows: int, folder: Path) -> FirstRows:
    """Read the names of the columns and the first rows, as they are in the file. Raises FileRefused."""
    if file_format.kind is FileKind.CSV:
        return first_rows(path, file_format, rows)
    with duckdb.connect(":memory:") as connection:
        loaded = load(path, file_format, connection, "preview", folder=folder)
        loaded.rejected.path.unlink(missing_ok=True)
        found = connection.execute(
            f"SELECT * EXCLUDE (_line) FROM preview ORDER BY _line LIMIT {rows:d}"
        ).fetchall()
    return FirstRows(loaded.names, [["" if value is None else value for value in row] for row in found])


def _load_text(
    plain: Path, file_format: FileFormat, connection: duckdb.DuckDBPyConnection, table: str, folder: Path
) -> LoadedFile:
    plain_format = file_format.as_plain_text()
    with opened_lines(plain, plain_format) as reader:
        header = read_header(reader, plain_format)
    width = len(header.names)
    rejected = RejectedRows(folder / f"{table}.rejected.csv", header.text)
    texts = TableTexts(table, header.names, plain_format.delimiter)
    if load_regular(plain, plain_format, connection, table, width=width, first_line=header.next_line):
        _delete_blank_rows(connection, table, width)
        return LoadedFile(
            header.names, _count(connection, table), rejected, texts, delimiter=plain_format.delimiter
        )
    with RecordTable(folder, table, width, plain_format.delimiter) as target:
        parsed = _LineByLine(header, target, rejected, file_format.encoding)
        parsed.read(plain, plain_format)
        target.load(connection, table)
    _delete_blank_rows(connection, table, width)
    rejected.close()
    kept = _count(connection, table)
    merged_lines = tuple(parsed.merged_lines)
    return LoadedFile(header.names, kept, rejected, texts, {}, merged_lines, plain_format.delimiter)


class _LineByLine:
    """Reads a file that is not regular: what is no record of the right width is rejected."""

    def __init__(self, header: Header, target: RecordTable, rejected: RejectedRows, encoding: str) -> None:
        self._names = header.names
        self._target = target
        self._rejected = rejected
        self._encoding = encoding
        self.merged_lines: list[int] = []

    def read(self, path: Path, file_format: FileFormat) -> None:
        """Add every record of a UTF-8 file to the table or to the rejected rows."""
        width = len(self._names)
        parser = RecordParser(file_format.delimiter, file_format.quote)
        plain_width = width if file_format.quote in ('"', "") else 0
        with opened_lines(path, file_format) as reader:
            read_header(reader, file_format)
            for first, lines, fields in records(
                reader, parser, width=plain_width, on_unreadable=self._reject_unreadable
            ):
                if fields is None:
                    self._target.add_plain_lines(first, lines)
                else:
                    self._add(first, "".join(lines), fields)
                    self._note_merged(first, lines, parser.delimiter)

    def _add(self, line: int, text: str, fields: list[str]) -> None:
        if is_blank(fields):
            return
        width = len(self._names)
        while len(fields) > width and not fields[-1].strip():
            fields.pop()
        if len(fields) != width:
            problem = _("Too few columns") if len(fields) < width else _("Too many columns")
            self._rejected.add(
                line,
                "",
                _("%(problem)s: %(found)d instead of %(expected)d.")
                % {"problem": problem, "found": len(fields), "expected": width},
                text,
            )
        elif not is_storable(text):
            column, reason = self._unstorable(fields)
            self._rejected.add(line, column, reason, text)
        else:
            self._target.add_fields(line, fields)

    def _reject_unreadable(self, line: int, text: str, problem: Unreadable) -> None:
        position = problem.position
        column = self._names[position] if position is not None and position < len(self._names) else ""
        self._rejected.add(line, column, problem.reason, text)

    def _unstorable(self, fields: list[str]) -> tuple[str, str]:
        """Return the column and the reason of a value that no database stores."""
        for name, value in zip(self._names, fields, strict=True):
            if "\0" in value:
                return name, _("The value contains a NUL character.")
            if not is_storable(value):
                break
        else:
            name = ""
        return name, _("The value contains bytes that are not %(encoding)s text.") % {"encoding": self._encoding}

    def _note_merged(self, line: int, lines: list[str], delimiter: str) -> None:
        """Note a record whose inner lines look like rows of their own."""
        width = len(self._names)
        if width == 1 or len(lines) < 3 or len(self.merged_lines) == _MAX_MERGED_KEPT:
            return
        if any('"' not in each and each.count(delimiter) == width - 1 for each in lines[1:-1]):
            self.merged_lines.append(line)


def _delete_blank_rows(connection: duckdb.DuckDBPyConnection, table: str, width: int) -> None:
    """Delete the rows without any value: lines of delimiters only, as spreadsheets write them."""
    connection.execute(f"DELETE FROM {quoted(table)} WHERE {is_blank_row(width)}")


def is_blank_row(width: int) -> str:
    """Return the condition that all texts of a row are missing or blank."""
    return " AND ".join(_is_blank(f"t{position}") for position in range(width))


def _is_blank(text: str) -> str:
    """Return the condition that a text is missing or blank; trimming every text would take long."""
    trimmed = f"trim({text}, {_BLANKS}) = ''"
    return f"CASE WHEN {text} IS NULL THEN true WHEN {text} < '!' OR {text} > '~' THEN {trimmed} ELSE false END"


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchall()
    return int(count)

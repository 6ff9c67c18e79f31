"""Load JSON lines: one object a line, its keys as columns; numbers as written, lists and objects as JSON."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from django.utils.translation import gettext as _

from segments.sources.column_plan import ColumnType
from segments.sources.files.csv_records import LineReader, TooLongLine, too_long
from segments.sources.files.file_format import FileFormat
from segments.sources.files.header import clean_names
from segments.sources.files.record_table import RecordTable
from segments.sources.files.rejected import RejectedRows
from segments.sources.files.text_file import opened_lines


class WrittenNumber(float):
    """A number with the text it was written as."""

    def __new__(cls, text: str) -> "WrittenNumber":
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def load(
    path: Path, connection: duckdb.DuckDBPyConnection, table: str, folder: Path, rejected: RejectedRows
) -> tuple[tuple[str, ...], dict[int, ColumnType]]:
    """Load a file of JSON lines in UTF-8 into a temporary table, and reject what is no object. Returns the
    names of the columns and the types that all values have. Raises FileRefused."""
    kinds: dict[str, set[type]] = {}
    with opened_lines(path, FileFormat()) as reader:
        for _line, _text, found in _objects(reader):
            if isinstance(found, dict):
                for key, value in found.items():
                    kinds.setdefault(key, set()).add(type(value))
    names = clean_names([key or "column" for key in kinds])
    with opened_lines(path, FileFormat()) as reader, RecordTable(folder, table, len(kinds)) as target:
        for line, text, found in _objects(reader):
            if isinstance(found, dict):
                target.add_fields(line, [_as_text(found.get(key)) for key in kinds])
            else:
                rejected.add(line, "", found, text)
        target.load(connection, table)
    declared = {
        position: kind
        for position, seen in enumerate(kinds.values())
        for python_type, kind in ((bool, ColumnType.BOOLEAN), (list, ColumnType.LIST))
        if seen - {type(None)} == {python_type}
    }
    return names, declared


def _objects(reader: LineReader) -> Iterator[tuple[int, str, dict[str, Any] | str]]:
    """Iterate over the lines: number, text, and the object or the reason why it is none."""
    while text := reader.read():
        line = reader.line - 1
        if isinstance(text, TooLongLine):
            yield line, text, too_long()
        elif text.strip():
            yield line, text, _parsed(text)


def _parsed(text: str) -> dict[str, Any] | str:
    try:
        found = json.loads(text, parse_float=WrittenNumber)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return _("The line contains bytes that are not %(encoding)s text.") % {"encoding": "utf-8"}
    except (ValueError, RecursionError):
        return _("The line is not a JSON object.")
    if not isinstance(found, dict):
        return _("The line is not a JSON object.")
    if "\\u0000" in text and any("\0" in value for value in found.values() if isinstance(value, str)):
        return _("The value contains a NUL character.")
    return found


def _as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case WrittenNumber():
            return value.text
        case int() | float():
            return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

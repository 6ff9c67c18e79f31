"""Detect the delimiter and the line of the header in the first lines of a delimited text."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from segments.sources.files.csv_records import MAX_RECORD_LENGTH, is_blank

DELIMITERS: Final = (",", ";", "\t", "|")
_SEPARATOR_LINE: Final = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)
_LINES_LOOKED_AT: Final = 200
_NOT_REGULAR: Final = (0.0, False, 0)

Records = Sequence[tuple[int, list[str]]]


def detect_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that splits most lines into the same number of fields, or the one that a line ``sep=``
    names, as Excel writes it; a comma when no line can be split."""
    if named := _named_delimiter(lines):
        return named
    best = max(DELIMITERS, key=lambda delimiter: _regularity(split(lines, delimiter)))
    return best if _regularity(split(lines, best)) != _NOT_REGULAR else ","


def detect_header_line(lines: Sequence[str], delimiter: str) -> int:
    """Return the number of the line of the column names: the first one that is neither blank nor a title, that is,
    that names at least half of the usual number of columns."""
    records = split(lines, delimiter)
    if _named_delimiter(lines):
        records = [(line, fields) for line, fields in records if not _SEPARATOR_LINE.fullmatch(lines[line - 1])]
    return header_line_of(records)


def header_line_of(records: Records) -> int:
    """Return the line of the first record that names at least half of the usual number of columns, or 1."""
    filled = [(line, sum(1 for field in fields if field.strip())) for line, fields in records]
    wide = Counter(len(fields) for _line, fields in records if len(fields) > 1)
    usual = wide.most_common(1)[0][0] if wide else 1
    needed = max(2, (usual + 1) // 2) if usual > 1 else 1
    return next((line for line, count in filled if count >= needed), filled[0][0] if filled else 1)


def split(lines: Sequence[str], delimiter: str) -> Records:
    """Split the first lines leniently into records with their line numbers, without blank ones."""
    looked_at = lines[:_LINES_LOOKED_AT]
    csv.field_size_limit(MAX_RECORD_LENGTH)  # of the process: another reader may have another limit
    reader = csv.reader(looked_at, delimiter=delimiter)
    records = []
    line = 1
    try:
        for fields in reader:
            if not is_blank(fields):
                records.append((line, fields))
            line = reader.line_num + 1
    except csv.Error:
        pass
    return records


def _named_delimiter(lines: Sequence[str]) -> str | None:
    first = next((line for line in lines if line.strip()), "")
    found = _SEPARATOR_LINE.fullmatch(first.strip("\r\n") + " ")
    return found[1] if found else None


def _regularity(records: Records) -> tuple[float, bool, int]:
    """Return the share of the records that have the most frequent number of fields above one, whether the first
    record has it, and that number."""
    widths = [_width(fields) for _line, fields in records]
    wide = Counter(width for width in widths if width > 1)
    if not wide:
        return _NOT_REGULAR
    width, count = max(wide.items(), key=lambda item: (item[1], item[0]))
    return round(count / len(widths), 1), widths[0] == width, width


def _width(fields: Sequence[str]) -> int:
    """Return the number of fields without the empty ones at the end."""
    width = len(fields)
    while width > 1 and not fields[width - 1].strip():
        width -= 1
    return width

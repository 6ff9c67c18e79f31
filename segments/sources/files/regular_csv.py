"""Load a regular CSV file with the CSV reader of DuckDB, and prove that no record was lost or merged.

That reader is fast, but merges or drops records silently when quotation marks are not regular. A record takes at
least one line; so when it returns as many records as the file has lines, each line is one record.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from segments.sources.files.file_format import FileFormat
from segments.sources.files.unpack import CHUNK_BYTES

MAX_LINE_BYTES: Final = 2_000_000
_LARGEST_BUFFER: Final = 1 << 26


@dataclass(frozen=True)
class LineScan:
    """What is cheap to know of the lines of a file. ``lines`` counts the last one without a line end too,
    ``blank_at_end`` the blank ones at the end."""

    lines: int
    blank_at_end: int
    has_quotes: bool


def scan_lines(path: Path) -> LineScan | None:
    """Count the lines of a UTF-8 file; None when a line ends with a carriage return alone, or the file contains
    NUL."""
    newlines = returns = pairs = 0
    has_quotes = False
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if b"\0" in chunk:
                return None
            newlines += chunk.count(b"\n")
            if b"\r" in chunk or tail.endswith(b"\r"):
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n") + (tail.endswith(b"\r") and chunk.startswith(b"\n"))
            has_quotes = has_quotes or b'"' in chunk
            tail = (tail + chunk)[-4096:]
    if returns and not returns == pairs == newlines:
        return None
    blank = tail[len(tail.rstrip(b"\r\n")) :].count(b"\n")
    is_open = bool(tail) and not tail.endswith(b"\n")
    return LineScan(newlines + is_open, max(0, blank - 1), has_quotes)


def load_regular(
    path: Path,
    file_format: FileFormat,
    connection: duckdb.DuckDBPyConnection,
    table: str,
    *,
    width: int,
    first_line: int,
) -> bool:
    """Load the records of a UTF-8 file from ``first_line`` on into a temporary table, one per line. Returns False,
    and leaves no table, when a line is not exactly one record of ``width`` fields."""
    if file_format.quote not in ('"', ""):
        return False
    scan = scan_lines(path)
    if scan is None:
        return False
    skipped = first_line - 1
    expected = scan.lines - skipped - (scan.blank_at_end if width > 1 else 0)
    if expected <= 0:
        return False
    quote = file_format.quote if scan.has_quotes else ""
    source = csv_source(path, file_format.delimiter, quote, text_columns(width), skipped=skipped)
    name = quoted(table)
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE {name} AS SELECT 0::BIGINT AS _line, * FROM {source}"
        )
    except duckdb.InvalidInputException:  # a field too many or too few, a stray quotation mark, bytes not UTF-8
        return False
    counted = connection.execute(f"SELECT count(*), max(rowid) FROM {name}").fetchone()
    if counted != (expected, expected - 1):
        connection.execute(f"DROP TABLE {name}")
        return False
    connection.execute(f"UPDATE {name} SET _line = rowid + {first_line:d}")
    return True


def csv_source(
    path: Path,
    delimiter: str,
    quote: str,
    columns: dict[str, str],
    *,
    skipped: int = 0,
    max_line: int = MAX_LINE_BYTES,
) -> str:
    """Return the table function that reads a CSV file as it is, without any detection."""
    # Large buffers make large batches, which need not be merged again: half the time for a million rows.
    buffer = min(_LARGEST_BUFFER, max(max_line * 4, path.stat().st_size))
    types = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    return (
        f"read_csv({literal(str(path))}, auto_detect=false, header=false, compression='none', skip={skipped:d}, "
        f"delim={literal(delimiter)}, quote={literal(quote)}, escape={literal(quote)}, strict_mode=true, "
        f"null_padding=false, max_line_size={max_line:d}, buffer_size={buffer:d}, "
        f"columns={{{types}}})"
    )


def text_columns(width: int) -> dict[str, str]:
    """Return the columns of a table of texts."""
    return {f"t{position}": "VARCHAR" for position in range(width)}


def literal(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return the name of a table or column for SQL."""
    return '"' + name.replace('"', '""') + '"'

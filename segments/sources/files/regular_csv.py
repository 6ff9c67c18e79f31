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
_LARGEST_BUFFER: Final = 1 << 25
# Blanks that values may begin or end with, but line ends; the rarest byte of each is quickly looked for.
_BLANK_SIGNS: Final = {
    " ": (b" ", b" "),
    "\t": (b"\t", b"\t"),
    "\u00a0": (b"\xa0", b"\xc2\xa0"),
    "\u200b": (b"\x8b", b"\xe2\x80\x8b"),
    "\ufeff": (b"\xef", b"\xef\xbb\xbf"),
}


@dataclass(frozen=True)
class LineScan:
    """What is cheap to know of the lines of a file. ``lines`` counts the last one without a line end too,
    ``blank_at_end`` the blank ones at the end. ``blanks`` are those of BLANKS that may be in values."""

    lines: int
    blank_at_end: int
    has_quotes: bool
    blanks: str


def scan_lines(path: Path) -> LineScan | None:
    """Count the lines of a UTF-8 file; None when a line ends with a carriage return alone, or the file contains
    NUL."""
    newlines = returns = pairs = 0
    has_quotes = False
    blanks: set[str] = set()
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
            for blank, (rare, sign) in _BLANK_SIGNS.items():
                if blank not in blanks and (rare in chunk or rare in tail[-2:]) and sign in tail[-2:] + chunk:
                    blanks.add(blank)
            tail = (tail + chunk)[-4096:]
    if returns and not returns == pairs == newlines:
        return None
    empty = tail[len(tail.rstrip(b"\r\n")) :].count(b"\n")
    is_open = bool(tail) and not tail.endswith(b"\n")
    return LineScan(newlines + is_open, max(0, empty - 1), has_quotes, "".join(sorted(blanks)))


@dataclass(frozen=True)
class RegularCsv:
    """A UTF-8 file of which every line from ``first_line`` on seems to be one record of ``width`` fields. It is
    when the CSV reader of DuckDB returns ``records`` rows. ``blanks`` are those that values may begin or end with.
    """

    path: Path
    delimiter: str
    quote: str
    width: int
    first_line: int
    records: int
    blanks: str

    @property
    def relation(self) -> str:
        """The query of the records in the order of the file; ``_line`` is 0 in all of them."""
        skipped = self.first_line - 1
        source = csv_source(self.path, self.delimiter, self.quote, text_columns(self.width), skipped=skipped)
        return f"(SELECT 0::BIGINT AS _line, * FROM {source})"

    def number_lines(self, connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
        """Write the numbers of the lines to a column of the table that ``relation`` was just read into. Returns
        False when the rows are not one for each line."""
        name = quoted(table)
        counted = connection.execute(f"SELECT count(*), max(rowid) FROM {name}").fetchone()
        if counted != (self.records, self.records - 1):
            return False
        connection.execute(f"UPDATE {name} SET {column} = rowid + {self.first_line:d}")
        return True


def find_regular(path: Path, file_format: FileFormat, *, width: int, first_line: int) -> RegularCsv | None:
    """Return how to read a UTF-8 file whose records have one line each; None when the lines cannot be counted or
    there are none."""
    if file_format.quote not in ('"', ""):
        return None
    scan = scan_lines(path)
    if scan is None:
        return None
    records = scan.lines - (first_line - 1) - (scan.blank_at_end if width > 1 else 0)
    if records <= 0:
        return None
    quote = file_format.quote if scan.has_quotes else ""
    blanks = scan.blanks.replace(file_format.delimiter, "") if not quote else scan.blanks + "\r\n"
    return RegularCsv(path, file_format.delimiter, quote, width, first_line, records, blanks)


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
    regular = find_regular(path, file_format, width=width, first_line=first_line)
    if regular is None:
        return False
    name = quoted(table)
    try:
        connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {name} AS FROM {regular.relation}")
    except duckdb.InvalidInputException:  # a field too many or too few, a stray quotation mark, bytes not UTF-8
        return False
    if not regular.number_lines(connection, table, "_line"):
        connection.execute(f"DROP TABLE {name}")
        return False
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

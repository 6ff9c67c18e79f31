"""Read a CSV file in blocks: bounded memory, a line number for every row, and every unreadable row reported.

Comma, semicolon or tab; UTF-8 with or without a byte order mark; gzip by the file name; quoted values may
contain line breaks. Bytes that are not UTF-8 become lone surrogates, which the caller has to find.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

DELIMITERS = ",;\t"
MAX_NAME_LENGTH = 120
# In characters, so that a file without line breaks cannot fill the memory.
MAX_LINE_LENGTH = 1 << 20
_BLOCK_CHARACTERS = 1 << 17
_HEADER_LINES = 20
_MAX_VALUE_LENGTH = 131_072


class FileRefused(Exception):
    """The file cannot be used; the message is for users."""


@dataclass(frozen=True)
class Header:
    """The names of the columns, and the delimiter."""

    names: tuple[str, ...]
    delimiter: str

    def index_of(self, name: str) -> int:
        """Return the index of a column, in any case. Raises FileRefused."""
        folded = [known.casefold() for known in self.names]
        if name.strip().casefold() not in folded:
            raise FileRefused(
                _("There is no column “%(name)s”. The file has: %(names)s.")
                % {"name": name, "names": ", ".join(self.names)}
            )
        return folded.index(name.strip().casefold())


@dataclass(frozen=True)
class Block:
    """Rows with the line numbers that they start on, and unreadable rows with the reason."""

    lines: Sequence[int]
    rows: list[list[str]]
    unreadable: Sequence[tuple[int, str]] = ()


class CsvFile:
    """An open CSV file; ``position`` is the number of bytes read."""

    def __init__(
        self, raw: io.BufferedReader, unpacked: io.BufferedIOBase, text: io.TextIOWrapper, key: str
    ) -> None:
        self._raw = raw
        self._unpacked = unpacked
        self._text = text
        self._line = 1
        self._lines_read = 0
        self._carried: list[str] = []
        self.header = self._read_header(key)

    @property
    def position(self) -> int:
        return self._raw.tell()

    def blocks(self) -> Iterator[Block]:
        """Iterate over the rows below the header, in blocks."""
        more = True
        while more:
            fresh = self._read_lines(_BLOCK_CHARACTERS)
            more = bool(fresh)
            lines = self._carried + fresh
            self._carried = []
            if lines:
                yield self._block(lines, is_last=not more)

    def _read_lines(self, characters: int) -> list[str]:
        """Read whole lines with about so many characters. Raises FileRefused for a line longer than
        MAX_LINE_LENGTH and when the file unpacks to more than MAX_UNPACKED_MB."""
        lines: list[str] = []
        while characters > 0 and (line := self._text.readline(MAX_LINE_LENGTH + 1)):
            if len(line) > MAX_LINE_LENGTH:
                raise FileRefused(
                    _("Line %(number)d is longer than %(most)d characters.")
                    % {"number": self._lines_read + 1, "most": MAX_LINE_LENGTH}
                )
            lines.append(line)
            self._lines_read += 1
            characters -= len(line)
        if self._unpacked.tell() > settings.MAX_UNPACKED_MB << 20:
            raise FileRefused(
                _("The unpacked file is larger than %(most)d MB. Split it into several files.")
                % {"most": settings.MAX_UNPACKED_MB}
            )
        return lines

    def _block(self, lines: list[str], *, is_last: bool) -> Block:
        csv.field_size_limit(_MAX_VALUE_LENGTH)  # of the process: another reader may have another limit
        if '"' not in "".join(lines):
            try:
                rows = list(csv.reader(lines, delimiter=self.header.delimiter))
                first, self._line = self._line, self._line + len(lines)
                return Block(range(first, self._line), rows)
            except csv.Error:
                pass  # a value is too long: find its line
        return self._block_with_quotes(lines, is_last=is_last)

    def _block_with_quotes(self, lines: list[str], *, is_last: bool) -> Block:
        numbers: list[int] = []
        rows: list[list[str]] = []
        unreadable: list[tuple[int, str]] = []
        begun = 0  # lines done
        while begun < len(lines):
            # By index, because a slice for each stray quotation mark would copy the block each time.
            rest = (lines[number] for number in range(begun, len(lines)))
            reader = csv.reader(rest, delimiter=self.header.delimiter, strict=True)
            offset = begun
            try:
                for row in reader:
                    numbers.append(self._line + begun)
                    rows.append(row)
                    begun = offset + reader.line_num
            except csv.Error as error:
                if not is_last and offset + reader.line_num == len(lines):
                    break  # the row may continue in the next block
                # A stray quotation mark includes the lines after it: refuse this line, continue with the next.
                unreadable.append((self._line + begun, _why_unreadable(error)))
                begun += 1
        self._carried = lines[begun:]
        self._line += begun
        return Block(numbers, rows, unreadable)

    def _read_header(self, key: str) -> Header:
        lines = [line for _number in range(_HEADER_LINES) for line in self._read_lines(1)]
        if not lines:
            raise FileRefused(_("The file is empty."))
        header, used = _header(lines, key)
        self._line += used
        self._carried = lines[used:]
        return header


@contextmanager
def opened(path: Path, *, key: str = "") -> Iterator[CsvFile]:
    """Open a CSV file and read its header. ``key`` is a column that helps to find the delimiter. Raises
    FileRefused, also while the file is read."""
    try:
        with path.open("rb") as raw:
            packed = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw
            _refuse_other_encodings(packed.peek(4)[:4])
            with io.TextIOWrapper(packed, "utf-8-sig", errors="surrogateescape", newline="") as text:
                yield CsvFile(raw, packed, text, key)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileRefused(_("The gzip file is damaged or incomplete.")) from error
    except OSError as error:
        raise FileRefused(
            _("The file cannot be read: %(reason)s.") % {"reason": error.strerror or str(error)}
        ) from error


def read_header(path: Path, *, key: str = "") -> Header:
    """Read the header of a file. Raises FileRefused."""
    with opened(path, key=key) as file:
        return file.header


def first_rows(path: Path, count: int) -> list[list[str]]:
    """Read the first rows of a file, unchanged. Raises FileRefused."""
    with opened(path) as file:
        for block in file.blocks():
            return [row for row in block.rows if row][:count]
    return []


def has_known_suffix(name: str) -> bool:
    """Say whether a file name ends in .csv or .csv.gz."""
    return name.lower().endswith((".csv", ".csv.gz"))


def _refuse_other_encodings(start: bytes) -> None:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileRefused(_("The file is UTF-16. Save it as UTF-8."))
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise FileRefused(_("The file is a workbook. Save it as CSV."))
    if start.startswith(b"\x1f\x8b"):
        raise FileRefused(_("The file is compressed with gzip. Rename it to end in .csv.gz."))


def _header(lines: list[str], key: str) -> tuple[Header, int]:
    """Parse the header with the likeliest delimiter. Returns it and the number of lines that it takes."""
    candidates = []
    for delimiter in DELIMITERS:
        reader = csv.reader(lines, delimiter=delimiter)
        try:
            names = tuple(name.strip() for name in next(reader))
        except csv.Error:
            continue
        has_key = key.strip().casefold() in (name.casefold() for name in names)
        likely = (bool(key) and has_key, all(map(str.isprintable, names)), len(names))
        candidates.append((likely, delimiter, names, reader.line_num))
    if not candidates:
        raise FileRefused(_("The first line is not a valid header."))
    _likely, delimiter, names, used = max(candidates, key=lambda candidate: candidate[0])
    _check_names(names)
    return Header(names, delimiter), used


def _check_names(names: tuple[str, ...]) -> None:
    if not any(names):
        raise FileRefused(_("The first line is empty. It must contain the column names."))
    if len(names) > settings.MAX_COLUMNS:
        raise FileRefused(
            _("The file has %(number)d columns. The maximum is %(most)d.")
            % {"number": len(names), "most": settings.MAX_COLUMNS}
        )
    seen: set[str] = set()
    for number, name in enumerate(names, start=1):
        if not name:
            raise FileRefused(_("Column %(number)d has no name in the header.") % {"number": number})
        if not name.isprintable():
            raise FileRefused(
                _("The name of column %(number)d contains characters that are not UTF-8 text.")
                % {"number": number}
            )
        if len(name) > MAX_NAME_LENGTH:
            raise FileRefused(
                _("The name of column %(number)d is longer than %(most)d characters.")
                % {"number": number, "most": MAX_NAME_LENGTH}
            )
        if name.casefold() in seen:
            raise FileRefused(_("The header contains “%(name)s” twice.") % {"name": name})
        seen.add(name.casefold())


def _why_unreadable(error: csv.Error) -> str:
    if "limit" in str(error):
        return _("A value is longer than %(most)d characters, or a quotation mark is never closed.") % {
            "most": _MAX_VALUE_LENGTH
        }
    if "end of data" in str(error):
        return _("A quotation mark is not closed.")
    return _("A quotation mark is not allowed here.")

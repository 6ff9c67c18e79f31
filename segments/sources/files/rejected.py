"""Collect rejected rows: count all, keep the first with line, column and reason, and write the text of all of them
to a file that can be fixed and imported again."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

MAX_ROWS_KEPT: Final = 10_000


@dataclass(frozen=True)
class RejectedRow:
    """A row that was not imported. ``column`` is empty when the problem is not in one column; ``reason`` is a
    sentence without data of the row."""

    line: int
    column: str
    reason: str


class RejectedRows:
    """The rejected rows of one file.

    ``path`` is the file with their text, in UTF-8, below the header of the file; it exists only when there are
    some. It holds personal data: the caller deletes it.
    """

    def __init__(self, path: Path, header: str = "") -> None:
        self.path = path
        self.header = header
        self.count = 0
        self.kept: list[RejectedRow] = []
        self._file: IO[bytes] | None = None

    def add(self, line: int, column: str, reason: str, text: str) -> None:
        """Reject a row; ``text`` is its text in the file."""
        self.count += 1
        if len(self.kept) < MAX_ROWS_KEPT:
            self.kept.append(RejectedRow(line, column, reason))
        if self._file is None:
            is_new = self.count == 1
            self._file = self.path.open("wb" if is_new else "ab")
            self._file.write(_line_of(self.header) if is_new else b"")
        self._file.write(_line_of(text))

    def close(self) -> None:
        """Finish the file; rows that are added later are appended."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _line_of(text: str) -> bytes:
    if not text:
        return b""
    return text.rstrip("\r\n").encode("utf-8", "surrogateescape") + b"\n"


def csv_line(fields: Sequence[str | None], delimiter: str) -> str:
    """Return fields as a line of a CSV file; a value may contain line breaks."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(fields)
    return text.getvalue()

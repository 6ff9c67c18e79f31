"""Parse delimited text into records, line by line: a record that cannot be read costs only its own line."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final

from django.utils.translation import gettext as _

# In characters, so that a file without line breaks, or a quotation mark that is never closed, cannot fill the
# memory.
MAX_RECORD_LENGTH: Final = 1 << 20
_LINE_ENDS: Final = ("\n", "\r")
_BLOCK_CHARACTERS: Final = 1 << 19


class TooLongLine(str):
    """Stands for a line longer than MAX_RECORD_LENGTH."""

    __slots__ = ()


@dataclass(frozen=True)
class Unreadable:
    """A line that is no record: the position of the field with the problem, counted from 0, and the reason."""

    position: int | None
    reason: str


class LineReader:
    """Reads numbered lines from a text, of which at most MAX_RECORD_LENGTH characters are held; ``line`` is the
    number of the next one."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.line = 1

    def read(self) -> str:
        """Return the next line with its end; an empty text after the last one."""
        line = self._text.readline(MAX_RECORD_LENGTH + 1)
        if self.line == 1:
            line = line.removeprefix("\ufeff")
        if line:
            self.line += 1
        if len(line) <= MAX_RECORD_LENGTH:
            return line
        while line and not line.endswith(_LINE_ENDS):
            line = self._text.readline(MAX_RECORD_LENGTH)
        return TooLongLine("\n")

    def block(self) -> list[str]:
        """Return the next lines, about half a million characters; an empty list after the last one."""
        text = self._text.read(_BLOCK_CHARACTERS)
        while text.endswith("\r") and (following := self._text.read(1)):
            text += following
        lines = io.StringIO(text, newline="").readlines()
        if not lines:
            return []
        if not lines[-1].endswith(_LINE_ENDS):
            lines[-1] = self._completed(lines[-1])
        if self.line == 1:
            lines[0] = lines[0].removeprefix("\ufeff")
        self.line += len(lines)
        if max(map(len, lines)) > MAX_RECORD_LENGTH:
            lines = [line if len(line) <= MAX_RECORD_LENGTH else TooLongLine("\n") for line in lines]
        return lines

    def _completed(self, line: str) -> str:
        """Read the rest of a line; what is beyond MAX_RECORD_LENGTH is not held."""
        line += self._text.readline(MAX_RECORD_LENGTH + 1)
        is_complete = len(line) <= MAX_RECORD_LENGTH or line.endswith(_LINE_ENDS)
        while not is_complete and (rest := self._text.readline(MAX_RECORD_LENGTH)):
            is_complete = rest.endswith(_LINE_ENDS)
        return line


class RecordParser:
    """Splits lines into the fields of records."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self.delimiter = delimiter
        self.quote = quote

    def parse(self, lines: list[str], begun: int, *, is_last: bool) -> tuple[list[str] | Unreadable | None, int]:
        """Parse the record that begins at ``lines[begun]``. Returns its fields, or why it is unreadable, and the
        number of lines that it takes; None when it may continue in lines that are not read yet."""
        line = lines[begun]
        if isinstance(line, TooLongLine):
            return Unreadable(None, too_long()), 1
        if not self.quote or self.quote not in line:
            return line.rstrip("\r\n").split(self.delimiter), 1
        if ' "' in line or '" ' in line:
            spaced = self._split_spaced(line)
            if spaced is not None:
                return spaced, 1
        # By index, because a slice for each stray quotation mark would copy the block each time.
        rest = (lines[number] for number in range(begun, len(lines)))
        csv.field_size_limit(MAX_RECORD_LENGTH)  # of the process: another reader may have another limit
        reader = csv.reader(rest, delimiter=self.delimiter, quotechar=self.quote, strict=True)
        try:
            fields = next(reader)
        except csv.Error as error:
            if not is_last and begun + reader.line_num == len(lines):
                return None, 0
            # A stray quotation mark includes the lines after it: reject this line, continue with the next.
            return self._unreadable(line, error), 1
        return fields, reader.line_num

    def _unreadable(self, line: str, error: csv.Error) -> Unreadable:
        position = self._faulty_position(line)
        if "limit" in str(error):
            return Unreadable(position, too_long())
        if "end of data" in str(error):
            return Unreadable(position, _("A quotation mark is not closed."))
        return Unreadable(position, _("A quotation mark is not allowed here."))

    def _faulty_position(self, line: str) -> int | None:
        """Return the position of the first field of a line whose quotation marks are not regular."""
        position = start = 0
        while start <= len(line):
            end, is_regular = self._field_end(line, start)
            if not is_regular:
                return position
            position, start = position + 1, end + 1
        return None

    def _split_spaced(self, line: str) -> list[str] | None:
        """Split a line that may have spaces outside of quoted values; None when its quotation marks are not
        regular within it."""
        line = line.rstrip("\r\n")
        fields: list[str] = []
        start = 0
        while start <= len(line):
            opened = start + len(line[start:]) - len(line[start:].lstrip(" "))
            if not line.startswith(self.quote, opened):
                end = line.find(self.delimiter, start)
                end = len(line) if end < 0 else end
                fields.append(line[start:end])
            else:
                closed, _is_regular = self._field_end(line, opened)
                end = line.find(self.delimiter, closed)
                end = len(line) if end < 0 else end
                if line[closed - 1 : closed] != self.quote or closed - 1 == opened or line[closed:end].strip(" "):
                    return None
                fields.append(line[opened + 1 : closed - 1].replace(self.quote * 2, self.quote))
            start = end + 1
        return fields

    def _field_end(self, line: str, start: int) -> tuple[int, bool]:
        if not line.startswith(self.quote, start):
            end = line.find(self.delimiter, start)
            return (len(line) if end < 0 else end), True
        at = start + 1
        while (at := line.find(self.quote, at)) >= 0:
            if line.startswith(self.quote, at + 1):
                at += 2
                continue
            after = line[at + 1 : at + 2]
            return at + 1, after in ("", self.delimiter, "\r", "\n")
        return len(line), False


def is_blank(fields: list[str]) -> bool:
    """Say whether a record has no value: a blank line, one of delimiters only, or the end-of-file mark of DOS."""
    return not "".join(fields).strip(" \t\r\n\x1a\xa0\ufeff")


def too_long() -> str:
    """The reason for a record that is too long."""
    return _("The line is longer than %(most)d characters, or a quotation mark is never closed.") % {
        "most": MAX_RECORD_LENGTH
    }


def records(
    reader: LineReader,
    parser: RecordParser,
    *,
    width: int = 0,
    on_unreadable: Callable[[int, str, Unreadable], None],
) -> Iterator[tuple[int, list[str], list[str] | None]]:
    """Iterate over the records of a text: line number, lines, fields.

    Fields are None for a run of lines that are not blank, can be stored, and have exactly ``width`` fields and no
    quotation marks: nearly all do, and need not be split.
    """
    lines: list[str] = []
    more = True
    while more:
        fresh = reader.block()
        more = bool(fresh)
        lines += fresh
        first = reader.line - len(lines)
        others = iter(_not_plain(lines, parser, width))
        begun, other = 0, next(others, len(lines))
        while begun < len(lines):
            while other < begun:
                other = next(others, len(lines))
            if other > begun:
                yield first + begun, lines[begun:other], None
                begun = other
                continue
            fields, used = parser.parse(lines, begun, is_last=not more)
            if fields is None:
                break
            if isinstance(fields, Unreadable):
                on_unreadable(first + begun, lines[begun], fields)
            else:
                yield first + begun, lines[begun : begun + used], fields
            begun += used
        del lines[:begun]


def _not_plain(lines: list[str], parser: RecordParser, width: int) -> list[int]:
    """Return the positions of the lines that cannot be taken as they are: with quotation marks, another number of
    fields than ``width``, perhaps blank, or with what cannot be stored."""
    if width < 2:
        return list(range(len(lines)))
    quote, delimiter, delimiters = parser.quote or '"', parser.delimiter, width - 1
    text = "\n" + "".join(lines)
    without_nul = text.replace("\0", "")
    nul = "\0" if len(without_nul) < len(text) else quote
    may_be_odd = f"\n{delimiter}" in text or "\n " in text or not is_storable(without_nul)
    return [
        position
        for position, line in enumerate(lines)
        if quote in line
        or nul in line
        or line.count(delimiter) != delimiters
        or (may_be_odd and (line.startswith((delimiter, " ")) or not is_storable(line)))
    ]


def is_storable(text: str) -> bool:
    """Say whether a text contains neither NUL nor lone surrogates, which no database stores."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

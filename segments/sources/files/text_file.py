"""Read delimited text: header, first rows, all records of any encoding."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.utils.translation import gettext as _

from segments.sources.files.csv_records import LineReader, RecordParser, Unreadable, is_blank, records
from segments.sources.files.file_format import Compression, FileFormat, FileRefused
from segments.sources.files.header import clean_names
from segments.sources.files.unpack import chunks, opened_bytes

_MOST_HEADER_LINES: Final = 100


@dataclass(frozen=True)
class Header:
    """The names of the columns, the line as it is in the file, and the number of the line after it."""

    names: tuple[str, ...]
    text: str
    next_line: int


@dataclass(frozen=True)
class FirstRows:
    """What a user sees of a file before it is imported: the names of the columns, and the first rows."""

    names: tuple[str, ...]
    rows: list[list[str]]


def first_rows(path: Path, file_format: FileFormat, count: int) -> FirstRows:
    """Read the names of the columns and the first rows of delimited text. Raises FileRefused."""
    with opened_lines(path, file_format) as reader:
        header = read_header(reader, file_format)
        width = len(header.names)
        parser = RecordParser(file_format.delimiter, file_format.quote)
        rows: list[list[str]] = []
        for _line, _lines, fields in records(reader, parser, on_unreadable=lambda *_ignored: None):
            if len(rows) >= count:
                break
            if fields is not None and not is_blank(fields):
                rows.append([_shown(field) for field in (fields + [""] * width)[:width]])
        return FirstRows(header.names, rows)


def read_header(reader: LineReader, file_format: FileFormat) -> Header:
    """Read the names of the columns. Raises FileRefused."""
    while reader.line < file_format.header_line:
        if not reader.read():
            raise FileRefused(_("The file has no line %(number)d.") % {"number": file_format.header_line})
    parser = RecordParser(file_format.delimiter, file_format.quote)
    lines = [reader.read()]
    fields, _used = parser.parse(lines, 0, is_last=False)
    while fields is None and len(lines) < _MOST_HEADER_LINES and (line := reader.read()):
        lines.append(line)
        fields, _used = parser.parse(lines, 0, is_last=False)
    if fields is None or isinstance(fields, Unreadable):
        raise FileRefused(_("A quotation mark in the header line is not closed."))
    return Header(clean_names(fields), "".join(lines), reader.line)


@contextmanager
def opened_lines(path: Path, file_format: FileFormat) -> Iterator[LineReader]:
    """Open delimited text of any encoding. Bytes that are no text become lone surrogates. Raises FileRefused, also
    while it is read."""
    try:
        with opened_bytes(path, file_format.compression) as file:
            text = io.TextIOWrapper(file, file_format.encoding, errors=_errors(file_format.encoding), newline="")
            yield LineReader(text)
    except UnicodeDecodeError as error:
        raise _not_encoded(file_format) from error


@contextmanager
def as_plain_text(path: Path, file_format: FileFormat, folder: Path) -> Iterator[Path]:
    """Provide a file as unpacked UTF-8, as ``plain_text`` does; a copy is deleted after use.

    Raises FileRefused."""
    plain = plain_text(path, file_format, folder)
    try:
        yield plain
    finally:
        if plain != path:
            plain.unlink(missing_ok=True)


def plain_text(path: Path, file_format: FileFormat, folder: Path) -> Path:
    """Return a file as unpacked UTF-8: itself, or a copy in ``folder``. Bytes that are no text are not valid UTF-8
    in the copy either. Raises FileRefused."""
    if file_format.compression is Compression.NONE and file_format.encoding == "utf-8":
        return path
    copy = folder / f"{path.name}.utf-8"
    try:
        decoder = codecs.getincrementaldecoder(file_format.encoding)(_errors(file_format.encoding))
        with opened_bytes(path, file_format.compression) as file, copy.open("wb") as target:
            for chunk in chunks(file):
                if file_format.encoding == "utf-8":
                    target.write(chunk)
                else:
                    target.write(decoder.decode(chunk).encode("utf-8", "surrogatepass"))
            if file_format.encoding != "utf-8":
                target.write(decoder.decode(b"", final=True).encode("utf-8", "surrogatepass"))
    except UnicodeDecodeError as error:
        copy.unlink(missing_ok=True)
        raise _not_encoded(file_format) from error
    return copy


def _errors(encoding: str) -> str:
    return "surrogatepass" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"


def _not_encoded(file_format: FileFormat) -> FileRefused:
    return FileRefused(
        _("The file contains bytes that are not %(encoding)s text.") % {"encoding": file_format.encoding}
    )


def _shown(field: str) -> str:
    """Return a value without what cannot be shown."""
    return field.replace("\0", "\ufffd").encode("utf-8", "replace").decode()

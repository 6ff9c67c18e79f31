"""Detect the format of a file by its content: kind, compression, encoding, delimiter, header line."""

import codecs
import io
import re
import zipfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final

import orjson
from django.utils.translation import gettext as _

from segments.sources.files import encodings, workbook
from segments.sources.files.dialect import detect_delimiter, detect_header_line
from segments.sources.files.file_format import Compression, FileFormat, FileKind, FileRefused
from segments.sources.files.unpack import chunks, compression_of, opened_bytes, sentences_for_errors

_HEAD_BYTES: Final = 1 << 18
_JSON_LINES_LOOKED_AT: Final = 50
_ZIP_MAGIC: Final = b"PK\x03\x04"
_EMPTY_ZIP_MAGIC: Final = b"PK\x05\x06"
_PARQUET_MAGIC: Final = b"PAR1"
_OLD_OFFICE_MAGIC: Final = b"\xd0\xcf\x11\xe0"
_WORKBOOK_PART: Final = "xl/workbook.xml"
_MARKUP: Final = re.compile(rb"\s*<(?:!doctype|html|head|body|table|\?xml|svg|!--)", re.IGNORECASE)
_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\0\t\n\v\f\r\x1a\x1b")


def detect(
    path: Path,
    *,
    name: str,
    encoding: str | None = None,
    delimiter: str | None = None,
    header_line: int | None = None,
    sheet: str = "",
) -> FileFormat:
    """Detect the format of a file by its content; what is given is taken as it is.

    A delimited text is read to its end, so that its encoding is that of the last row too, and damage is found.
    ``name`` is the name that users know; it decides nothing but is tried where the content allows both.
    Raises FileRefused when the file is none of the kinds that can be imported, damaged, or empty.
    """
    with opened_bytes(path, Compression.NONE) as raw:
        compression = compression_of(raw.read(2))
    with opened_bytes(path, compression) as file:
        head = file.read(_HEAD_BYTES)
        if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
            raise FileRefused(_("The file is empty."))
        kind = _kind_by_magic(path, head, compression)
        if kind is FileKind.XLSX:
            return FileFormat(kind, header_line=header_line or workbook.header_line(path, sheet), sheet=sheet)
        if kind is not None:
            return FileFormat(kind)
        if not encoding:
            encoding = _encoding(head, file)
        else:
            _check_encoding(encoding)
            for _chunk in chunks(file):  # damage is found here
                pass
    text = _head_text(head, encoding)
    if _is_json_lines(text):
        return FileFormat(FileKind.JSON_LINES, compression, encoding)
    is_cut = len(head) == _HEAD_BYTES
    delimiter, header_line = _dialect(text, name, delimiter, header_line, is_cut=is_cut)
    return FileFormat(FileKind.CSV, compression, encoding, delimiter, header_line=header_line)


def _dialect(
    text: str, name: str, delimiter: str | None, header_line: int | None, *, is_cut: bool
) -> tuple[str, int]:
    """Return the delimiter and the line of the header of a delimited text; what is given is taken as it is.
    ``is_cut`` says that the last line may not be whole."""
    lines = io.StringIO(text, newline="").readlines()
    if is_cut and len(lines) > 1:
        lines.pop()
    if not delimiter:
        delimiter = "\t" if name.lower().endswith((".tsv", ".tab")) and "\t" in text else detect_delimiter(lines)
    return delimiter, header_line or detect_header_line(lines, delimiter)


def _kind_by_magic(path: Path, head: bytes, compression: Compression) -> FileKind | None:
    """Return the kind of a file that begins with the mark of one, None for text. Raises FileRefused."""
    kind = None
    if head.startswith(_PARQUET_MAGIC):
        kind = FileKind.PARQUET
    elif head.startswith((_ZIP_MAGIC, _EMPTY_ZIP_MAGIC)):
        kind = FileKind.XLSX
    if kind is not None and compression is Compression.GZIP:
        raise FileRefused(_("The file is compressed twice. Unpack it once, then import the result."))
    if kind is FileKind.XLSX and not _is_workbook(path):
        raise FileRefused(_("The file is a ZIP archive. Unpack it, then import the files."))
    if head.startswith(_OLD_OFFICE_MAGIC):
        raise FileRefused(_("The file is an old or protected workbook. Save it as .xlsx or CSV."))
    return kind


def _is_workbook(path: Path) -> bool:
    try:
        with sentences_for_errors(), zipfile.ZipFile(path) as archive:
            return _WORKBOOK_PART in archive.namelist()
    except (zipfile.BadZipFile, ValueError) as error:
        raise FileRefused(_("The file is a damaged ZIP archive or workbook.")) from error


def _encoding(head: bytes, file: IO[bytes]) -> str:
    """Detect the encoding of a text, of which ``head`` is read. Raises FileRefused when it is no text."""
    known = encodings.encoding_by_mark(head) or encodings.encoding_of_wide_text(head[:4096])
    if known is None:
        if _MARKUP.match(head):
            raise FileRefused(_("The file is a web page or XML. Export the data as CSV."))
        _refuse_binary(head)
        return encodings.detect_encoding(chain([head], chunks(file)))
    for _chunk in chunks(file):  # damage is found here
        pass
    return known


def _refuse_binary(head: bytes) -> None:
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > 0.02 * len(head) or head.count(0) > 0.1 * len(head):
        raise FileRefused(_("The file is neither text nor a workbook. Export the data as CSV."))


def _check_encoding(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
        "".encode(encoding)
    except (LookupError, ValueError) as error:
        raise FileRefused(_("“%(name)s” is not a known encoding.") % {"name": encoding}) from error


def _head_text(head: bytes, encoding: str) -> str:
    """Decode the first bytes; a character that is cut at their end is left out."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return decoder.decode(head).removeprefix("\ufeff")


def _is_json_lines(text: str) -> bool:
    """Say whether a text consists of JSON objects, one a line; some lines may be broken. Raises FileRefused for
    other JSON."""
    start = text.lstrip()
    if start[:1] not in ("{", "["):
        return False
    lines = list(islice(_filled_lines(start), _JSON_LINES_LOOKED_AT))
    parsed = [_parsed_json(line) for line in lines]
    if any(isinstance(each, dict) for each in parsed) and start.startswith("{"):
        return True
    # Indented JSON breaks after the bracket; a header that begins with one does not.
    if parsed[0] is not None or lines[0].rstrip() in ("{", "[", "[{"):
        raise FileRefused(
            _("The file is JSON, but does not have one object per line. Export it as JSON lines or CSV.")
        )
    return False


def _parsed_json(line: str) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _filled_lines(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.strip())

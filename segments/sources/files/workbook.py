"""Load a sheet of an Excel workbook: numbers as the sheet has them, dates as ISO 8601."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

import duckdb
from django.conf import settings
from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from segments.sources.column_plan import ColumnType
from segments.sources.files.csv_records import is_blank
from segments.sources.files.dialect import header_line_of
from segments.sources.files.file_format import FileFormat, FileRefused
from segments.sources.files.header import clean_names
from segments.sources.files.record_table import RecordTable

_ROWS_LOOKED_AT: Final = 200
_LARGEST_WHOLE: Final = 10**15  # a number of a sheet has fifteen digits


def sheet_names(path: Path) -> list[str]:
    """Return the names of the sheets. Raises FileRefused."""
    with _opened(path) as workbook:
        return list(workbook.sheet_names)


def header_line(path: Path, sheet: str) -> int:
    """Return the number of the row with the column names. Raises FileRefused."""
    with _opened(path) as workbook:
        rows = _rows(_sheet(workbook, sheet), _ROWS_LOOKED_AT)
        return header_line_of([(line, fields) for line, fields in rows if not is_blank(fields)])


def load(
    path: Path, file_format: FileFormat, connection: duckdb.DuckDBPyConnection, table: str, folder: Path
) -> tuple[tuple[str, ...], dict[int, ColumnType]]:
    """Load a sheet into a temporary table. Returns the names of the columns and the types that the sheet declares.
    Raises FileRefused."""
    with _opened(path) as workbook:
        rows = _rows(_sheet(workbook, file_format.sheet))
        header = next((fields for line, fields in rows if line == file_format.header_line), [])
        names = clean_names(header)
        width = len(names)
        with RecordTable(folder, table, width) as target:
            for line, fields in rows:
                if is_blank(fields):
                    continue
                target.add_fields(line, (fields + [""] * width)[:width])
            target.load(connection, table)
    return names, {}


@contextmanager
def _opened(path: Path) -> Iterator[CalamineWorkbook]:
    """Open a workbook. Raises FileRefused when it cannot be read or unpacks to more than MAX_UNPACKED_MB."""
    try:
        with ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > settings.MAX_UNPACKED_MB << 20:
                raise FileRefused(
                    _("The unpacked file is larger than %(most)d MB. Split it into several files.")
                    % {"most": settings.MAX_UNPACKED_MB}
                )
        with CalamineWorkbook.from_path(str(path)) as workbook:
            yield workbook
    except (CalamineError, BadZipFile, ValueError, OSError) as error:
        raise FileRefused(_("The workbook is damaged or protected.")) from error


def _sheet(workbook: CalamineWorkbook, name: str) -> CalamineSheet:
    names = workbook.sheet_names
    if not names:
        raise FileRefused(_("The workbook is damaged or protected."))
    if name and name not in names:
        raise FileRefused(
            _("There is no sheet “%(name)s”. The workbook has: %(names)s.")
            % {"name": name, "names": ", ".join(names)}
        )
    return workbook.get_sheet_by_name(name or names[0])


def _rows(sheet: CalamineSheet, most: int | None = None) -> Iterator[tuple[int, list[str]]]:
    """Iterate over the rows of a sheet with their numbers, cells as text."""
    if sheet.start is None:
        return
    first = sheet.start[0] + 1
    for number, cells in enumerate(sheet.to_python(nrows=most)):
        yield first + number, [_text(cell) for cell in cells]


def _text(cell: Any) -> str:
    """Return a cell as text. Lone surrogates and NUL cannot be in a workbook."""
    match cell:
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < _LARGEST_WHOLE else repr(cell)
        case date() | time():
            return cell.isoformat().replace("T", " ")
    return str(cell)

"""Lines of CSV that a spreadsheet opens without running anything in them."""

import csv
from collections.abc import Iterable

BYTE_ORDER_MARK = "\ufeff"  # before the first line, so that spreadsheets read UTF-8
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    def write(self, line: str) -> str:
        return line


_WRITER = csv.writer(_Echo())


def line(cells: Iterable[object]) -> str:
    """One line of CSV, its ending included."""
    return str(_WRITER.writerow([_harmless(str(cell)) for cell in cells]))


def _harmless(cell: str) -> str:
    """Spreadsheets run what begins like a formula; an apostrophe keeps it text."""
    return f"'{cell}" if cell.startswith(_FORMULA) and cell != "–" else cell

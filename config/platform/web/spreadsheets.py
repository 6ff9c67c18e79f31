"""Lines of CSV that a spreadsheet opens without running anything in them."""

import csv
from collections.abc import Iterable

from config.platform.text.csv_formulas import defused

BYTE_ORDER_MARK = "\ufeff"  # before the first line, so that spreadsheets read UTF-8


class _Echo:
    def write(self, line: str) -> str:
        return line


_WRITER = csv.writer(_Echo())


def line(cells: Iterable[object]) -> str:
    """One line of CSV, its ending included."""
    return str(_WRITER.writerow([defused(str(cell)) for cell in cells]))

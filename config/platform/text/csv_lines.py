"""Write lines of CSV that a spreadsheet opens without running formulas in them (CSV injection)."""

import csv
import re
from collections.abc import Iterable

# Where a spreadsheet may begin a cell: at the front, after a line feed or tab, and after a semicolon, which
# separates cells in countries with a decimal comma. Blanks and quotation marks before the sign do not stop it.
_FORMULA = re.compile(r"(?:^|[;\t\r\n])[\s\"\ufeff\u200b]*(?=[=+\-@＝＋－＠])")
# A number with a sign calculates nothing.
_NUMBER = re.compile(r"[+-]\d+(\.\d+)?\Z", re.ASCII)


def without_formula(cell: str, *, keeps_numbers: bool = False) -> str:
    """Put an apostrophe before each sign in ``cell`` that could begin a formula, so that it stays text; doing it
    again changes nothing. ``keeps_numbers`` leaves a plain number such as -5 as it is."""
    if keeps_numbers and _NUMBER.match(cell):
        return cell
    return _FORMULA.sub(r"\g<0>'", cell)


BYTE_ORDER_MARK = "\ufeff"  # before the first line, so that spreadsheets read UTF-8


class _Echo:
    def write(self, line: str) -> str:
        return line


_WRITER = csv.writer(_Echo())


def csv_line(cells: Iterable[object]) -> str:
    """Return one line of CSV, its ending included."""
    return str(_WRITER.writerow([without_formula(str(cell)) for cell in cells]))

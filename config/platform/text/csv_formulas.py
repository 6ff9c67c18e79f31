"""Defuse formulas in cells of CSV files: spreadsheets run a cell that begins with = + - @ (CSV injection)."""

import re

# Where a spreadsheet may begin a cell: at the front, after a line feed or tab, and after a semicolon, which
# separates cells in countries with a decimal comma. Blanks and quotation marks before the sign do not stop it.
_FORMULA = re.compile(r"(?:^|[;\t\r\n])[\s\"\ufeff\u200b]*(?=[=+\-@＝＋－＠])")
# A number with a sign calculates nothing.
_NUMBER = re.compile(r"[+-]\d+(\.\d+)?\Z", re.ASCII)


def defused(cell: str, *, keeps_numbers: bool = False) -> str:
    """``cell`` with an apostrophe before each sign that could begin a formula, so that it stays text; defusing it
    again changes nothing. ``keeps_numbers`` leaves a plain number such as -5 as it is."""
    if keeps_numbers and _NUMBER.match(cell):
        return cell
    return _FORMULA.sub(r"\g<0>'", cell)

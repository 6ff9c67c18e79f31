"""Cells that spreadsheets would run as formulas stay text."""

import pytest

from config.platform.text.csv_lines import csv_line, without_formula


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@sum", "'@sum"),
        ("  =1", "  '=1"),
        ("\t=1", "\t'=1"),
        ("\r=1", "\r'=1"),
        ("\n=1", "\n'=1"),
        ("\u00a0=1", "\u00a0'=1"),
        ("\ufeff=1", "\ufeff'=1"),
        ('"=1', "\"'=1"),
        ("x;=cmd", "x;'=cmd"),
        ("x; =cmd;@y", "x; '=cmd;'@y"),
        ('x;"=cmd"', 'x;"\'=cmd"'),
        ("x\n=cmd", "x\n'=cmd"),
        ("x\t=cmd", "x\t'=cmd"),
        ("\uff1dcmd", "'\uff1dcmd"),
        ("\uff0bcmd", "'\uff0bcmd"),
        ("\uff0dcmd", "'\uff0dcmd"),
        ("\uff20cmd", "'\uff20cmd"),
        ("", ""),
        ("–", "–"),
        ("a@b.example", "a@b.example"),
        ("a=b - c", "a=b - c"),
        ("red; blue", "red; blue"),
        ("'=1", "'=1"),
    ],
)
def test_formulas_are_defused_and_other_cells_stay(cell: str, expected: str) -> None:
    assert without_formula(cell) == expected
    assert without_formula(expected) == expected


@pytest.mark.parametrize(("cell", "expected"), [("-5.50", "-5.50"), ("+358", "+358"), ("-5+1", "'-5+1")])
def test_plain_numbers_can_be_kept(cell: str, expected: str) -> None:
    assert without_formula(cell, keeps_numbers=True) == expected


def test_a_line_of_a_download_is_defused() -> None:
    assert csv_line(["x;=cmd", None, 5]) == "x;'=cmd,None,5\r\n"

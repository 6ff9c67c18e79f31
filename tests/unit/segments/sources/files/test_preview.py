"""The first rows of a file are shown before it is imported."""

from pathlib import Path

import pytest

from segments.sources.files.detect import detect
from segments.sources.files.file_format import FileFormat
from segments.sources.files.read import preview
from tests.support.case_files import FOLDER, READABLE_FILES


@pytest.mark.parametrize("name", ["04_cp1252.csv", "02_utf16le.csv", "33c_json_lines.jsonl", "10_unbalanced.csv"])
def test_first_rows_are_shown_before_the_import(name: str, tmp_path: Path) -> None:
    case = next(case for case in READABLE_FILES if case.name == name)
    shown = preview(case.path, detect(case.path, name=name), rows=2, folder=tmp_path)
    assert list(shown.names) == case.names
    assert len(shown.rows) == min(2, case.kept)
    assert case.first is None or shown.rows[0] == [value or "" for value in case.first]
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_shown_is_replaced(tmp_path: Path) -> None:
    shown = preview(FOLDER / "04_cp1252.csv", FileFormat(), rows=3, folder=tmp_path)  # not UTF-8
    assert shown.rows[0][1] == "J?rgen"

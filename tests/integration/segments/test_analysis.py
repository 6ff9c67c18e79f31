"""What a user sees of a file before it is imported."""

import gzip
from pathlib import Path

import pytest
from pytest_django import Settings

from segments.sources import analysis
from segments.sources.analysis import analyze
from segments.sources.column_plan import ColumnType
from segments.sources.files.file_format import Compression, FileKind
from tests.support.workbook import write_workbook

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Settings) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


def test_format_rows_and_guesses_are_shown(tmp_path: Path, uploads_folder: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id;name;points\n" + "".join(f"C{n};Łucja;{n}\n" for n in range(9)), encoding="cp1250")
    found = analyze(path, name="people.csv", choices={})
    assert (found.file_format.encoding, found.file_format.delimiter) == ("cp1250", ";")
    assert (found.names, found.is_partial) == (("id", "name", "points"), False)
    assert found.first_rows == [[f"C{n}", "Łucja", str(n)] for n in range(4)]
    assert [guess.plan.type for guess in found.guesses] == [ColumnType.TEXT, ColumnType.TEXT, ColumnType.INTEGER]
    assert list(uploads_folder.iterdir()) == []


def test_what_the_user_chose_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("title\nid,name\n1,Ann\n", encoding="utf-8")
    found = analyze(path, name="people.csv", choices={"header_line": 2, "delimiter": ","})
    assert found.names == ("id", "name")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_of_a_large_file_the_first_lines_are_analyzed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(analysis, "MAX_ANALYZED_BYTES", 1 << 20)
    path = tmp_path / "people.csv.gz"
    text = "id,name\n" + "".join(f"{n},name {n}\n" for n in range(150_000)) + "last,x\n"
    path.write_bytes(gzip.compress(text.encode(encoding)))
    found = analyze(path, name="people.csv.gz", choices={})
    assert found.is_partial
    assert found.file_format.compression is Compression.GZIP
    filled = found.guesses[0].filled
    assert 0 < filled < 150_000
    assert [guess.filled for guess in found.guesses] == [filled, filled]


def test_the_sheets_of_a_workbook_are_named(tmp_path: Path) -> None:
    write_workbook(tmp_path / "w.xlsx")
    found = analyze(tmp_path / "w.xlsx", name="w.xlsx", choices={"sheet": "People"})
    assert (found.file_format.kind, found.sheets) == (FileKind.XLSX, ("People", "Empty"))
    assert found.first_rows[0][3] == "19.9"

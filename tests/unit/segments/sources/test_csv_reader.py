"""Reading CSV in blocks: every row has its line number, and every unreadable row is reported."""

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from segments.sources import csv_reader
from segments.sources.csv_reader import MAX_LINE_LENGTH, FileRefused, opened, read_header


def written(folder: Path, content: str | bytes, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path) -> tuple[list[tuple[int, list[str]]], list[tuple[int, str]]]:
    rows: list[tuple[int, list[str]]] = []
    unreadable: list[tuple[int, str]] = []
    with opened(path) as file:
        for block in file.blocks():
            rows += zip(block.lines, block.rows, strict=True)
            unreadable += block.unreadable
    return rows, unreadable


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_it_finds_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    path = written(
        tmp_path, f"id{delimiter}a, b; c\n1{delimiter}x\n" if delimiter == "\t" else f"id{delimiter}name\n"
    )
    assert read_header(path).delimiter == delimiter


def test_it_prefers_the_delimiter_that_shows_the_key(tmp_path: Path) -> None:
    path = written(tmp_path, "id;a,b,c\n")
    assert read_header(path, key="ID").names == ("id", "a,b,c")


def test_it_reads_a_file_with_a_mark_and_one_that_is_zipped(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress("\ufeffid,name\r\n1,Zoë\r\n".encode()), "people.csv.gz")
    assert read_header(path).names == ("id", "name")
    assert read(path) == ([(2, ["1", "Zoë"])], [])


def test_it_numbers_lines_across_quoted_line_breaks(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,note\n1,"two\nlines, ""quoted"""\n2,plain\n')
    assert read(path)[0] == [(2, ["1", 'two\nlines, "quoted"']), (4, ["2", "plain"])]


def test_a_stray_quotation_mark_costs_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,note\n1,"never closed\n2,b\n3,c\n')
    rows, unreadable = read(path)
    assert rows == [(3, ["2", "b"]), (4, ["3", "c"])]
    assert [line for line, _reason in unreadable] == [2]


def test_a_mark_in_the_middle_costs_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,note\n1,"a"b\n2,"c"\n')
    rows, unreadable = read(path)
    assert rows == [(3, ["2", "c"])]
    assert [line for line, _reason in unreadable] == [2]


def test_too_long_a_value_costs_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, f"id,note\n1,{'x' * 200_000}\n2,b\n")
    rows, unreadable = read(path)
    assert rows == [(3, ["2", "b"])]
    assert [line for line, _reason in unreadable] == [2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n1,2\n", "contain the column names"),
        (b"id,,name\n", "Column 2 has no name"),
        (b"id,Name,NAME\n", "twice"),
        (b"id,caf\xe9\n", "not UTF-8"),
        ("id,name\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "workbook"),
        (gzip.compress(b"id\n", mtime=0), "gz"),
        (b"id," + b"x" * 121 + b"\n", "longer than 120"),
    ],
)
def test_it_refuses_an_unusable_file_in_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(FileRefused, match=words):
        read_header(written(tmp_path, content))


def test_it_refuses_a_zip_that_is_cut_short(tmp_path: Path) -> None:
    whole = gzip.compress(b"id,name\n" + b"".join(b"%d,someone\n" % n for n in range(100_000)))
    path = written(tmp_path, whole[: len(whole) // 2], "people.csv.gz")
    with pytest.raises(FileRefused, match="damaged or incomplete"):
        read(path)


def test_it_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="No such file"):
        read_header(tmp_path / "nothing.csv")


def test_it_names_the_columns_when_the_key_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"“key”.*id, name"):
        read_header(written(tmp_path, "id,name\n")).index_of("key")


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@hypothesis_settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.lists(texts, min_size=2, max_size=2), max_size=12), size=st.integers(1, 40))
def test_it_reads_what_was_written_whatever_the_block_size(
    rows: list[list[str]], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["id", "note"], *rows])
    path = written(tmp_path_factory.mktemp("csv"), out.getvalue())
    usual, csv_reader._BLOCK_CHARACTERS = csv_reader._BLOCK_CHARACTERS, size
    try:
        found, unreadable = read(path)
    finally:
        csv_reader._BLOCK_CHARACTERS = usual
    assert [row for _line, row in found] == rows
    assert unreadable == []


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    endless = gzip.compress(b"id,name\n" + b"x" * (MAX_LINE_LENGTH + 2) + b"\n2,b\n")
    with pytest.raises(FileRefused, match="Line 2 is longer than"):
        read(written(tmp_path, endless, "people.csv.gz"))


def test_a_header_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="Line 1 is longer than"):
        read_header(written(tmp_path, b"x" * (MAX_LINE_LENGTH + 2)))


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.MAX_UNPACKED_MB = 1
    packed = gzip.compress(b"id,name\n" + b"1,x\n" * 400_000)
    with pytest.raises(FileRefused, match="larger than 1 MB"):
        read(written(tmp_path, packed, "people.csv.gz"))


def test_a_file_with_too_many_columns_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.MAX_COLUMNS = 3
    with pytest.raises(FileRefused, match="has 4 columns"):
        read_header(written(tmp_path, "a,b,c,d\n"))


def test_stray_quotation_marks_cost_linear_time(tmp_path: Path) -> None:
    path = written(tmp_path, "id,note\n" + '"x\n' * 40_000)
    _rows, unreadable = read(path)
    assert len(unreadable) > 39_000

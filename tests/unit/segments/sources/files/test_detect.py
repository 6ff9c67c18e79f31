"""The format of a file is detected by its content, whatever its name says."""

import csv
import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from segments.sources.files.detect import detect
from segments.sources.files.encodings import detect_encoding
from segments.sources.files.file_format import Compression, FileFormat, FileKind, FileRefused
from tests.support.case_files import CASE_FILES, FOLDER, READABLE_FILES, REFUSED_FILES, CaseFile

DAMAGED_INSIDE = "33_xlsx_named_csv.csv"  # found when its sheets are read


def detected(path: Path, content: bytes, name: str = "file.csv") -> FileFormat:
    (path / "file").write_bytes(content)
    return detect(path / "file", name=name)


def test_every_file_of_the_folder_has_an_expected_result() -> None:
    assert sorted(case.name for case in CASE_FILES) == sorted(
        path.name for path in FOLDER.iterdir() if path.name != "expected.yaml"
    )


@pytest.mark.parametrize("case", READABLE_FILES, ids=str)
def test_the_format_of_each_file_is_detected(case: CaseFile) -> None:
    assert detect(case.path, name=case.name) == FileFormat.from_dict(case.format)


@pytest.mark.parametrize("case", [case for case in REFUSED_FILES if case.name != DAMAGED_INSIDE], ids=str)
def test_what_cannot_be_imported_is_refused_with_one_sentence(case: CaseFile) -> None:
    with pytest.raises(FileRefused) as refused:
        detect(case.path, name=case.name)
    assert str(refused.value) == case.refused


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Jürgen;München\nRenée;Genève\n"),
        ("cp1252", "Päivi Mäkinen;Jyväskylä\n"),
        ("cp1252", "Müller “quoted” – dash € 5\n"),
        ("cp1252", "Øystein Åberg;Tromsø\n"),
        ("cp1252", "João;São Paulo\n"),
        ("cp1252", "Zoé;Köln\nJürgen;Málaga\nMüller;Besançon\nPäivi;Århus\nO’Connor;Dublin\nSørensen;São Paulo\n"),
        ("cp1250", "Łukasz;Łódź\nMałgorzata;Kraków\n"),
        ("cp1250", "Wiśniewska;Żak\n"),
        ("cp1250", "Ştefan;Bucureşti\nŢurcanu;Iaşi\n"),
        ("cp1250", "Dvořák;Plzeň\nŘíčany;Žižka\n"),
        ("cp1250", "Łukasz;Praha\nŘíha;Košice\nNagy Gergő;Győr\nȘtefan;Cluj\n".replace("Ș", "Ş")),
        ("cp1254", "Şükrü;İstanbul\nÇağrı;Muğla\n"),
        ("cp1251", "Иван;Москва\nОльга;Казань\n"),
        ("cp1253", "Γιώργος;Αθήνα\n"),
        ("gb18030", "张伟;上海\n李娜;成都\n"),
        ("utf-8", "Łukasz;上海\n"),
        ("utf-8", "plain\n"),
    ],
)
def test_the_code_page_is_recognized_by_the_letters_of_names(encoding: str, text: str) -> None:
    assert detect_encoding([text.encode(encoding)]) == encoding


def test_the_first_accent_may_be_in_the_last_row(tmp_path: Path) -> None:
    content = b"id,name\n" + b"1,Ann\n" * 300_000 + "2,Renée\n".encode("cp1252")
    assert detected(tmp_path, content).encoding == "cp1252"


def test_a_character_that_is_cut_at_the_end_of_a_block_is_no_error() -> None:
    assert detect_encoding(["é".encode()[:1], "é".encode()[1:], b"x"]) == "utf-8"
    assert detect_encoding(["Renée".encode(), "é".encode()[:1]]) == "utf-8"  # only the last row is broken


def test_what_the_user_says_is_taken() -> None:
    path = FOLDER / "04_cp1252.csv"
    assert detect(path, name="x.csv", encoding="cp1250", delimiter=";", header_line=2) == FileFormat(
        encoding="cp1250", delimiter=";", header_line=2
    )
    with pytest.raises(FileRefused, match="not a known encoding"):
        detect(path, name="x.csv", encoding="latin-99")


def test_a_decimal_comma_does_not_hide_a_semicolon(tmp_path: Path) -> None:
    content = b"id;price;tax\n" + b"1;19,90;2,50\n" * 20
    assert detected(tmp_path, content).delimiter == ";"


def test_commas_in_quoted_addresses_do_not_hide_a_tab(tmp_path: Path) -> None:
    content = b"id\taddress\tcity\n" + b'1\t"1 Main St, Floor 2, Door 3"\tRome\n' * 5
    assert detected(tmp_path, content).delimiter == "\t"


def test_a_file_of_one_column_has_a_comma(tmp_path: Path) -> None:
    assert detected(tmp_path, b"email\nann@example.com\n") == FileFormat()


def test_a_title_that_a_spreadsheet_padded_is_no_header(tmp_path: Path) -> None:
    content = b"Contacts of May,,,,\n,,,,\nid,name,city,zip,mail\n1,Ann,Rome,1,a\n"
    assert detected(tmp_path, content).header_line == 3


def test_json_and_tab_files_are_recognized_when_packed(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"id": 1}\n{"id": 2}\n')
    assert detected(tmp_path, packed) == FileFormat(FileKind.JSON_LINES, Compression.GZIP)


def test_a_header_may_begin_with_a_bracket(tmp_path: Path) -> None:
    assert detected(tmp_path, b"[id],[name]\n1,Ann\n").kind is FileKind.CSV


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old or protected workbook"),
        (b"PK\x03\x04 cut", "damaged ZIP archive"),
        (b'{\n  "id": 1\n}\n', "not have one object per line"),
        (b"\xef\xbb\xbf\r\n \n", "empty"),
        (b"  <!DOCTYPE html><p>", "web page"),
    ],
)
def test_other_kinds_are_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(FileRefused, match=sentence):
        detected(tmp_path, content)


def test_a_file_larger_than_the_limit_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.MAX_UNPACKED_MB = 1
    with pytest.raises(FileRefused, match="larger than 1 MB"):
        detected(tmp_path, gzip.compress(b"id,name\n" * 400_000))


def test_a_format_is_stored_as_plain_values() -> None:
    changed = replace(FileFormat(), kind=FileKind.XLSX, sheet="People", compression=Compression.GZIP)
    assert FileFormat.from_dict(changed.to_dict()) == changed
    assert FileFormat.from_dict({}) == FileFormat()
    with pytest.raises(ValueError, match="colour"):
        FileFormat.from_dict({"colour": "red"})


def test_a_value_may_be_long_whatever_limit_another_reader_has_set(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f"id,note\n1,{'x' * 200_000}\n2,b\n")
    csv.field_size_limit(131_072)
    assert detect(path, name="long.csv").delimiter == ","

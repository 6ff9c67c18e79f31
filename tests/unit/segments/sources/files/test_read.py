"""Files are loaded whole: every record is kept, or rejected with line, column and reason."""

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segments.sources.column_plan import ColumnType
from segments.sources.files import read, workbook
from segments.sources.files.detect import detect
from segments.sources.files.file_format import FileFormat, FileKind, FileRefused
from segments.sources.files.read import LoadedFile, load
from segments.sources.files.reject_rows import REJECTED, reject_rows
from tests.support.case_files import FOLDER, READABLE_FILES, CaseFile
from tests.support.workbook import write_workbook

GENERATED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BY_LINES = settings(GENERATED, max_examples=50)
Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 2}) as opened:
        yield opened


def rows_of(connection: duckdb.DuckDBPyConnection, table: str = "people") -> Rows:
    return connection.execute(f"SELECT * FROM {table} ORDER BY _line").fetchall()


def read_bytes(
    connection: duckdb.DuckDBPyConnection, content: bytes, file_format: FileFormat | None = None
) -> tuple[LoadedFile, Rows, bytes]:
    """Load a file. Returns what is known of it, its rows, and the file of rejected rows."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_bytes(content)
        file_format = file_format or detect(path, name=path.name)
        loaded = load(path, file_format, connection, "people", folder=Path(folder))
        rejected = loaded.rejected.path.read_bytes() if loaded.rejected.count else b""
        return loaded, rows_of(connection), rejected


@pytest.mark.parametrize("case", READABLE_FILES, ids=str)
def test_each_file_is_read_as_expected(
    case: CaseFile, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    loaded = load(case.path, detect(case.path, name=case.name), connection, "people", folder=tmp_path)
    found = rows_of(connection)
    assert len(found) == loaded.kept == case.kept
    assert {row.line: [row.column, row.reason] for row in loaded.rejected.kept} == case.rejected
    assert list(loaded.merged_lines) == case.hints
    assert case.names is None or list(loaded.names) == case.names
    assert case.first is None or list(found[0][1:]) == case.first
    assert [path.name for path in tmp_path.iterdir()] == ([loaded.rejected.path.name] if case.rejected else [])


def test_a_damaged_workbook_is_refused() -> None:
    path = FOLDER / "33_xlsx_named_csv.csv"
    with pytest.raises(FileRefused, match="damaged or protected"):
        detect(path, name=path.name)


# --- generated files

VALUES = st.text(st.characters(exclude_characters="\0\x1a", exclude_categories=["Cs"]), max_size=6)
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|"]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    }
)


@GENERATED
@given(
    rows=st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(VALUES, min_size=width, max_size=width))),
    dialect=DIALECTS,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030", "cp1252", "cp1250"]),
    packed=st.booleans(),
)
def test_what_a_program_wrote_is_read_as_it_was(
    connection: duckdb.DuckDBPyConnection,
    rows: list[list[str]],
    dialect: dict[str, object],
    encoding: str,
    packed: bool,
) -> None:
    rows = [[value.encode(encoding, "replace").decode(encoding) for value in row] for row in rows]
    if any(character in value for row in rows for value in row for character in "\r\n"):
        dialect = {**dialect, "quoting": csv.QUOTE_ALL}  # the csv module does not quote all line breaks
    width = len(rows[0]) if rows else 1
    text = io.StringIO()
    writer = csv.writer(text, **dialect)  # type: ignore[arg-type]
    writer.writerows([[f"name {position}" for position in range(width)], *rows])
    content = text.getvalue().encode(encoding)
    codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(gzip.compress(content) if packed else content)
        delimiter = str(dialect["delimiter"])
        file_format = detect(path, name="x.csv", encoding=codec, delimiter=delimiter, header_line=1)
        loaded = load(path, file_format, connection, "people", folder=Path(folder))
    filled = [row for row in rows if "".join(row).strip(" \t\r\n\x1a\xa0\ufeff")]
    assert [list(row[1:]) for row in rows_of(connection)] == [[value or None for value in row] for row in filled]
    assert loaded.rejected.count == 0


LINES = st.lists(
    st.text(st.sampled_from('a"", ,é'), max_size=9) | st.sampled_from(["1,2", '"x","y"', '"x""",', '1, "y"']),
    min_size=1,
    max_size=8,
)


@BY_LINES
@given(lines=LINES, end=st.sampled_from(["\n", "\r\n"]), ends=st.booleans())
def test_a_fast_way_is_taken_only_where_it_gives_the_same(
    connection: duckdb.DuckDBPyConnection, lines: list[str], end: str, ends: bool
) -> None:
    content = ("id,name" + end + end.join(lines) + (end if ends else "")).encode()
    loaded, rows, rejected = read_bytes(connection, content, FileFormat())
    with mock.patch.object(read, "load_regular", return_value=False):
        slowly, slow_rows, slowly_rejected = read_bytes(connection, content, FileFormat())
    assert (rows, rejected, loaded.rejected.kept) == (slow_rows, slowly_rejected, slowly.rejected.kept)


def records_of(lines: list[str]) -> Iterator[tuple[int, int, bool]]:
    """The first and last line of each record, and whether it is valid: two fields, no stray quotation mark. A
    value in quotation marks continues until they end; a line on which they never do is a record of its own."""
    begun = 0
    while begun < len(lines):
        for end in range(begun + 1, len(lines) + 1):
            try:
                (fields,) = csv.reader([line + "\n" for line in lines[begun:end]], strict=True)
            except (csv.Error, ValueError):
                continue
            break
        else:
            end, fields = begun + 1, []
            yield begun + 2, end + 1, False
        if "".join(fields).strip():
            while len(fields) > 2 and not fields[-1].strip():
                fields.pop()
            yield begun + 2, end + 1, len(fields) == 2
        begun = end


@BY_LINES
@given(lines=LINES)
def test_every_record_is_kept_or_rejected_at_its_line(
    connection: duckdb.DuckDBPyConnection, lines: list[str]
) -> None:
    lines = [re.sub(' *" *', '"', line) for line in lines]  # the csv module takes no spaces there
    loaded, rows, rejected = read_bytes(connection, "\n".join(["id,name", *lines, ""]).encode(), FileFormat())
    expected = list(records_of(lines))
    assert loaded.records == loaded.kept + loaded.rejected.count == len(expected)
    assert [row[0] for row in rows] == [first for first, _last, is_valid in expected if is_valid]
    assert [row.line for row in loaded.rejected.kept] == [
        first for first, _last, is_valid in expected if not is_valid
    ]
    texts = ["\n".join(lines[first - 2 : last - 1]) for first, last, is_valid in expected if not is_valid]
    assert rejected.decode() == ("\n".join(["id,name", *texts, ""]) if texts else "")


# --- rejected rows


def test_rejected_rows_can_be_fixed_and_imported_again(connection: duckdb.DuckDBPyConnection) -> None:
    content = 'id;näme\n1;Ann\n2;"Bob\n3\n4;Dee;x\n5;Eva\n'.encode("cp1252")
    loaded, _rows, rejected = read_bytes(connection, content)
    assert (loaded.records, loaded.kept) == (5, 2)
    assert rejected.decode() == 'id;näme\n2;"Bob\n3\n4;Dee;x\n'
    fixed = rejected.replace(b'"', b"").replace(b"\n3\n", b"\n3;Cid\n").replace(b";x", b"")
    again, rows, _none = read_bytes(connection, fixed)
    assert (again.kept, again.rejected.count) == (3, 0)
    assert rows[0] == (2, "2", "Bob")


def test_rows_can_be_rejected_after_they_were_loaded(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "file.csv").write_text('id;name\n1;Ann\n;"Bob; ""B\n"""\n3;Cid;x\n4;Dee\n')
    loaded = load(tmp_path / "file.csv", FileFormat(delimiter=";"), connection, "people", folder=tmp_path)
    query = "SELECT _line FROM people WHERE t0 IS NULL"
    left = reject_rows(connection, loaded, query, column="id", reason="The key is empty.")
    assert (loaded.kept, left.kept, left.records) == (3, 2, 4)
    assert connection.execute(f"SELECT line FROM {REJECTED}").fetchall() == [(3,)]
    assert {row.line: row.column for row in left.rejected.kept} == {5: "", 3: "id"}
    again = load(left.rejected.path, FileFormat(delimiter=";"), connection, "again", folder=tmp_path)
    assert again.kept == 1
    assert rows_of(connection, "again") == [(3, None, 'Bob; "B\n"')]


@pytest.mark.parametrize("name", ["33c_json_lines.jsonl", "x.parquet"])
def test_rows_of_other_kinds_are_rejected_in_a_form_that_can_be_imported(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    path = FOLDER / name
    if name == "x.parquet":
        path = tmp_path / name
        connection.execute(f"COPY (SELECT '1' AS id, 'A, B' AS name) TO '{path}' (FORMAT parquet)")
    loaded = load(path, detect(path, name=name), connection, "people", folder=tmp_path)
    first = rows_of(connection)[0]
    left = reject_rows(connection, loaded, "SELECT 1", reason="The key is used twice.")
    again = load(left.rejected.path, detect(left.rejected.path, name="x"), connection, "again", folder=tmp_path)
    assert again.names == loaded.names[: len(again.names)]
    assert first[1:] in [row[1:] + (None,) * (len(first) - len(row)) for row in rows_of(connection, "again")]


def test_many_rejected_rows_are_counted_and_the_first_kept(connection: duckdb.DuckDBPyConnection) -> None:
    loaded, rows, rejected = read_bytes(connection, b"id,name\n1,Ann\n" + b"2,Bob,x\n" * 10_050)
    assert (len(rows), loaded.rejected.count, len(loaded.rejected.kept)) == (1, 10_050, 10_000)
    assert rejected.count(b"\n") == 10_051


def test_reasons_contain_no_data(connection: duckdb.DuckDBPyConnection) -> None:
    loaded, _rows, _rejected = read_bytes(connection, b'id,name\n1,secret,secret\n2,"secret"x\n3,secret\0\n4\n')
    assert len(loaded.rejected.kept) == 4
    assert not any("secret" in row.reason for row in loaded.rejected.kept)


def test_a_quotation_mark_that_is_never_closed_costs_one_line_of_a_large_file(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    loaded, rows, _rejected = read_bytes(connection, b'id,name\n1,"Ann\n' + b"2,Bob and more text\n" * 60_000)
    assert [(row.line, row.column) for row in loaded.rejected.kept] == [(2, "name")]
    assert (len(rows), rows[0][0], rows[-1][0]) == (60_000, 3, 60_002)


@pytest.mark.parametrize("length", [1_200_000, 3_000_000])
def test_a_line_that_is_too_long_costs_only_itself(connection: duckdb.DuckDBPyConnection, length: int) -> None:
    loaded, rows, _rejected = read_bytes(connection, b"id,name\n1," + b"x" * length + b"\n2,Bob\n")
    if length > 2_000_000:  # a regular line may be longer than one that is parsed here
        assert [row.line for row in loaded.rejected.kept] == [2]
    assert rows[-1] == (3, "2", "Bob")


def test_a_broken_file_with_a_line_that_is_too_long_loses_nothing_else(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    content = b'id,name\n"1,\n2,' + b"x" * 1_200_000 + b"\r\n3,Bob\r\n4," + b"x" * 3_000_000 + b"\n5,Eva"
    loaded, rows, _rejected = read_bytes(connection, content)
    assert [row.line for row in loaded.rejected.kept] == [2, 3, 5]
    assert rows == [(4, "3", "Bob"), (6, "5", "Eva")]


def test_a_long_text_with_line_breaks_is_one_value(connection: duckdb.DuckDBPyConnection) -> None:
    text = "four\n" * 100_000
    loaded, rows, _rejected = read_bytes(connection, f'id,name\n1,"{text}"\n2,Bob\n'.encode())
    assert (loaded.rejected.count, rows[0][2], rows[1]) == (0, text, (100_003, "2", "Bob"))


def test_lines_are_counted_with_blank_ones_and_titles(connection: duckdb.DuckDBPyConnection) -> None:
    _loaded, rows, _rejected = read_bytes(connection, b"\nContacts\n\nid,name\n1,Ann\n\n,\n2,Bob\n\n\n")
    assert [row[0] for row in rows] == [5, 8]


def test_a_regular_file_is_read_by_duckdb(connection: duckdb.DuckDBPyConnection) -> None:
    content = b"id,name\r\n" + b"".join(b'%d,"Ann, ""A"""\r\n' % number for number in range(50_000)) + b",\r\n\r\n"
    with mock.patch.object(read, "RecordTable", side_effect=AssertionError):
        loaded, rows, _rejected = read_bytes(connection, content)
    assert loaded.kept == 50_000
    assert rows[-1] == (50_001, "49999", 'Ann, "A"')


def test_a_path_is_no_pattern(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "it's [a]*?{b}"
    folder.mkdir()
    path = folder / "x*[1].csv"
    path.write_text("id,name\n1,Ann\n")
    (folder / "x1.csv").write_text("id,name\n9,Wrong\n")
    load(path, FileFormat(), connection, "people", folder=tmp_path)
    assert rows_of(connection) == [(2, "1", "Ann")]


# --- other kinds


@pytest.fixture
def workbook_path(tmp_path: Path) -> Path:
    path = tmp_path / "contacts.csv"  # misnamed
    write_workbook(path)
    return path


def test_a_workbook_is_read_below_its_titles(
    connection: duckdb.DuckDBPyConnection, workbook_path: Path, tmp_path: Path
) -> None:
    file_format = detect(workbook_path, name="contacts.csv")
    assert file_format == FileFormat(FileKind.XLSX, header_line=4)
    loaded = load(workbook_path, file_format, connection, "people", folder=tmp_path)
    assert loaded.names == ("id", "name", "born", "spent", "active", "seen")
    assert rows_of(connection) == [
        (5, "1", 'Änne "A", B\nC', "2024-02-29", "19.9", "true", "2024-02-29 12:00:00"),
        (7, "2", None, None, "100", None, None),
    ]


def test_a_sheet_is_chosen_by_name(workbook_path: Path) -> None:
    assert workbook.sheet_names(workbook_path) == ["People", "Empty"]
    with pytest.raises(FileRefused, match="no sheet “Peple”"):
        detect(workbook_path, name="x.xlsx", sheet="Peple")
    assert detect(workbook_path, name="x.xlsx", sheet="Empty").header_line == 1


def test_parquet_declares_its_types(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "x[1].parquet"
    written = tmp_path / "y.parquet"
    connection.execute(
        "COPY (SELECT 'A1' AS id, 7::BIGINT AS points, true AS agreed, DATE '2024-02-29' AS born, "
        "TIMESTAMPTZ '2024-01-05 10:00:00+02' AS seen, ['VIP', 'new'] AS tags, {'city': 'Rome'} AS address "
        f"UNION ALL SELECT 'A2', NULL, NULL, NULL, NULL, [], NULL) TO '{written}' (FORMAT parquet)"
    )
    written.rename(path)
    loaded = load(path, detect(path, name="x"), connection, "people", folder=tmp_path)
    assert loaded.names == ("id", "points", "agreed", "born", "seen", "tags", "address")
    assert rows_of(connection)[0] == (
        1, "A1", "7", "true", "2024-02-29", "2024-01-05 08:00:00Z", '["VIP","new"]', '{"city":"Rome"}',
    )  # fmt: skip
    assert loaded.declared == {
        2: ColumnType.BOOLEAN,
        3: ColumnType.DATE,
        4: ColumnType.DATETIME,
        5: ColumnType.LIST,
    }
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FileRefused, match="Parquet file is damaged"):
        load(path, FileFormat(FileKind.PARQUET), connection, "people", folder=tmp_path)


def test_numbers_of_json_lines_stay_as_written(connection: duckdb.DuckDBPyConnection) -> None:
    lines = [
        '{"price": 19.90, "n": 123456789012345678901234567890, "nested": {"a": [1.5]}}',
        json.dumps({"é\n": None}),
    ]
    loaded, rows, _rejected = read_bytes(connection, "\n".join(lines).encode())
    assert loaded.names == ("price", "n", "nested", "é")
    assert rows == [(1, "19.90", "123456789012345678901234567890", '{"a":[1.5]}', None)]

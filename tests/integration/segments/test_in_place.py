"""A large file that is converted in one pass gives the rows and plans of one that is loaded first."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segments.sources import in_place, staging
from segments.sources.column_plan import ColumnPlan
from segments.sources.files.detect import detect
from segments.sources.files.file_format import FileFormat, FileKind, FileRefused
from segments.sources.files.read import load
from segments.sources.files.text_file import plain_text
from segments.sources.import_plan import choose_plans
from segments.sources.in_place import PlainFile, stage_in_place
from segments.sources.staging import StagedRows
from tests.support.case_files import READABLE_FILES, CaseFile

pytestmark = pytest.mark.django_db
GENERATED = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = (
    "5",
    "-7",
    "05",
    "1.50",
    "2.25",
    "2024-02-29",
    "29.02.2024",
    "3.4.2024",
    "yes",
    "no",
    "N/A",
    "Ann",
    " x ",
    "",
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 2}) as opened:
        yield opened


@pytest.fixture(autouse=True)
def small_files_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_place, "MIN_BYTES", 0)


def sample_only(monkeypatch: pytest.MonkeyPatch, first_bytes: int) -> None:
    """Let the plans be inferred from the first bytes of the rows."""
    monkeypatch.setattr(in_place, "_FIRST_BYTES", first_bytes)
    monkeypatch.setattr(in_place, "_BLOCKS", 0)


def staged_both_ways(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    file_format: FileFormat,
    folder: Path,
    known: Sequence[ColumnPlan] = (),
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return what is staged in one pass, if it is possible, and what is staged of the loaded file."""
    loaded = load(path, file_format, connection, "loaded", folder=folder)
    plans = choose_plans(connection, loaded, "loaded", known, [0])
    usual = described(staging.stage(connection, loaded, "loaded", plans, [0]))
    plain = plain_text(path, file_format, folder)
    file = PlainFile(plain, file_format.as_plain_text(), is_copy=False)
    staged = stage_in_place(connection, file, known, [loaded.names[0]], folder)
    return (described(staged) if staged else None), usual


def described(staged: StagedRows) -> dict[str, Any]:
    columns = ["line", "key"]
    for at, attribute in staged.attributes().items():
        columns += [f"v{at}", *([f"e{at}"] if attribute.has_emails else [])]
        columns += [f"o{at}"] if attribute.has_originals else []
    return {
        "plans": {plan.column: (plan, set(plan.null_words)) for plan in staged.plans},
        "rows": staged.connection.execute(
            f"SELECT {', '.join(columns)} FROM {staging.TYPED} ORDER BY line"
        ).fetchall(),
        "misfits": staged.misfits(),
        "columns": columns,
        "records": staged.loaded.records,
    }


def same(described: dict[str, Any]) -> dict[str, Any]:
    """Leave out the order of null words, which means nothing."""
    plans = {
        name: (plan.type, plan.format, plan.is_ignored, words)
        for name, (plan, words) in described["plans"].items()
    }
    return {**described, "plans": plans}


@pytest.mark.parametrize(
    "case", [case for case in READABLE_FILES if case.name.endswith(("csv", "tsv", "txt", "gz"))], ids=str
)
def test_each_file_is_staged_as_if_it_was_loaded(
    connection: duckdb.DuckDBPyConnection, case: CaseFile, tmp_path: Path
) -> None:
    file_format = detect(case.path, name=case.name)
    if file_format.kind is not FileKind.CSV:
        pytest.skip("not delimited text")
    in_one_pass, usual = staged_both_ways(connection, case.path, file_format, tmp_path)
    if in_one_pass is not None:
        assert same(in_one_pass) == same(usual)


def test_a_usual_file_is_staged_in_one_pass(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_only(monkeypatch, 120)
    lines = [
        f"{n},p{n}@example.com,{n * 7},{n / 4:.2f},2024-02-{n % 28 + 1:02},{'yes' if n % 2 else 'no'},,"
        for n in range(200)
    ]
    path = tmp_path / "x.csv"
    path.write_text("id,email,points,spent,day,member,nothing,note\n" + "\n".join(lines) + "\n")
    in_one_pass, usual = staged_both_ways(connection, path, FileFormat(), tmp_path)
    assert in_one_pass is not None
    assert same(in_one_pass) == same(usual)
    assert {str(plan.type) for plan, _words in in_one_pass["plans"].values()} == {
        "text", "number", "integer", "date", "boolean",
    }  # fmt: skip
    assert in_one_pass["plans"]["nothing"][0].is_ignored


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("5", "05"), ("5", "Ann"), ("1.50", "1.5"), ("2024-02-29", "2024-02-30"), ("", "5"), ("yes", "no"),
        ("3.4.2024", "29.2.2024"), ("3/4/2024", "29/2/2024"), ("Ann", '"A,n"'), ("Ann", '"A\nn"'), ("Ann", "a,b"),
        ("Ann", "a"), ("5", "N/A"), ("no", "maybe"),
    ],
)  # fmt: skip
def test_a_last_row_that_differs_from_the_sample_is_noticed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, last: str
) -> None:
    sample_only(monkeypatch, 400)
    path = tmp_path / "x.csv"
    lines = [f"{n},{first}" for n in range(100)]
    path.write_text("id,value\n" + "\n".join(lines) + f"\nlast,{last}\n")
    in_one_pass, usual = staged_both_ways(connection, path, FileFormat(), tmp_path)
    if in_one_pass is not None:
        assert same(in_one_pass) == same(usual)


@GENERATED
@given(
    rows=st.lists(st.tuples(*[st.sampled_from(WORDS)] * 3), min_size=1, max_size=40), sampled=st.integers(1, 200)
)
def test_rows_and_plans_are_those_of_the_loaded_file(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[tuple[str, ...]],
    sampled: int,
) -> None:
    sample_only(monkeypatch, sampled)
    path = tmp_path / "x.csv"
    path.write_text("id,a,b,c\n" + "".join(f"{n},{','.join(row)}\n" for n, row in enumerate(rows)))
    in_one_pass, usual = staged_both_ways(connection, path, FileFormat(), tmp_path)
    if in_one_pass is not None:
        assert same(in_one_pass) == same(usual)


def test_the_text_of_a_rejected_row_is_its_line(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('id;name\r\n1;Ann\r\n;"B;ö"\r\n1;Cid\r\n', newline="")
    file = PlainFile(path, FileFormat(delimiter=";"), is_copy=False)
    staged = stage_in_place(connection, file, [], ["id"], tmp_path)
    assert staged is not None
    left = staging.reject_unusable(staged)
    assert left.loaded.rejected.path.read_text() == 'id;name\n;"B;ö"\n1;Ann\n'
    assert [(row.line, row.column) for row in left.loaded.rejected.kept] == [(3, "id"), (2, "id")]
    assert connection.execute(f"SELECT line, key FROM {staging.TYPED}").fetchall() == [(4, "1")]
    assert path.exists()


def test_a_copy_is_deleted_with_its_texts(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,name\n1,Ann\n")
    staged = stage_in_place(connection, PlainFile(path, FileFormat(), is_copy=True), [], ["id"], tmp_path)
    assert staged is not None
    staging.reject_unusable(staged)
    assert not path.exists()


def test_a_missing_key_column_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,name\n1,Ann\n")
    with pytest.raises(FileRefused, match="number"):
        stage_in_place(connection, PlainFile(path, FileFormat(), is_copy=False), [], ["number"], tmp_path)


def test_decided_plans_need_no_proof(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,points\n1,5\n2,none\n")
    known = [ColumnPlan("id", attribute="id"), ColumnPlan.from_dict({"column": "points", "type": "integer"})]
    in_one_pass, usual = staged_both_ways(connection, path, FileFormat(), tmp_path, known)
    assert in_one_pass is not None
    assert same(in_one_pass) == same(usual)
    assert in_one_pass["misfits"] == {"points": 1}

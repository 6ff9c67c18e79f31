"""Texts become typed values; what a typed value cannot give back is kept as text."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.sources import conversion
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType
from segments.sources.conversion import typed_query, written
from segments.sources.files.regular_csv import literal

HELSINKI = ColumnFormat(time_zone="Europe/Helsinki")


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 2}) as opened:
        yield opened


def convert(
    connection: duckdb.DuckDBPyConnection, plan: ColumnPlan, texts: Sequence[str | None]
) -> list[tuple[Any, ...]]:
    """Return value, original and misfit of each text."""
    rows = ", ".join(f"({line}, {'NULL' if not text else literal(text)})" for line, text in enumerate(texts))
    query = f"CREATE OR REPLACE TEMPORARY TABLE p AS SELECT * FROM (VALUES (-1, ''), {rows}) AS p(_line, t0)"
    connection.execute(query)
    return connection.execute(
        f"SELECT v0, o0, m0 FROM ({typed_query('p', [plan])}) ORDER BY _line OFFSET 1"
    ).fetchall()


@pytest.mark.parametrize(
    ("plan", "text", "value", "original"),
    [
        (ColumnPlan("x"), "Ann", "Ann", None),
        (ColumnPlan("x"), " Ann\u00a0\u200b", "Ann", " Ann\u00a0\u200b"),
        (ColumnPlan("x"), "\ufeffÄnne\n", "Änne", "\ufeffÄnne\n"),
        (ColumnPlan("x"), " \t", None, " \t"),
        (ColumnPlan("x"), None, None, None),
        (ColumnPlan("x", null_words=("NULL",)), "NULL", None, "NULL"),
        (ColumnPlan("x", type=ColumnType.INTEGER), "-5", -5, None),
        (ColumnPlan("x", type=ColumnType.INTEGER), "007", 7, "007"),
        (ColumnPlan("x", type=ColumnType.INTEGER, format=ColumnFormat(thousands=",")), "1,234", 1234, "1,234"),
        (ColumnPlan("x", type=ColumnType.NUMBER), "19.9", 19.9, None),
        (ColumnPlan("x", type=ColumnType.NUMBER), "20", 20.0, None),
        (ColumnPlan("x", type=ColumnType.NUMBER), "19.90", 19.9, "19.90"),
        (ColumnPlan("x", type=ColumnType.NUMBER, format=ColumnFormat(decimals=2)), "19.90", 19.9, None),
        (ColumnPlan("x", type=ColumnType.NUMBER, format=ColumnFormat(decimal=",")), "1,5", 1.5, None),
        (ColumnPlan("x", type=ColumnType.NUMBER), "$12.00", 12.0, "$12.00"),
        (ColumnPlan("x", type=ColumnType.NUMBER), "12 %", 12.0, "12 %"),
        (
            ColumnPlan("x", type=ColumnType.NUMBER, format=ColumnFormat(decimal=",", thousands=".")),
            "1.234,50 €",
            1234.5,
            "1.234,50 €",
        ),
        (
            ColumnPlan("x", type=ColumnType.NUMBER, format=ColumnFormat(decimal=",", thousands=" ")),
            "1\u00a0234,5",
            1234.5,
            "1\u00a0234,5",
        ),
        (ColumnPlan("x", type=ColumnType.BOOLEAN), "true", True, None),
        (ColumnPlan("x", type=ColumnType.BOOLEAN), "No", False, "No"),
        (
            ColumnPlan("x", type=ColumnType.BOOLEAN, format=ColumnFormat(true_word="Kyllä", false_word="Ei")),
            "Kyllä",
            True,
            None,
        ),
        (ColumnPlan("x", type=ColumnType.DATE), "2024-02-29", date(2024, 2, 29), None),
        (ColumnPlan("x", type=ColumnType.DATE), "2024/2/9", date(2024, 2, 9), "2024/2/9"),
        (
            ColumnPlan("x", type=ColumnType.DATE, format=ColumnFormat(date_format="%d.%m.%Y")),
            "05.01.2024",
            date(2024, 1, 5),
            None,
        ),
        (
            ColumnPlan("x", type=ColumnType.DATE, format=ColumnFormat(date_format="%d %b %Y")),
            "05 Jan 2023",
            date(2023, 1, 5),
            None,
        ),
        (
            ColumnPlan("x", type=ColumnType.DATETIME, format=HELSINKI),
            "2024-07-01 10:00:00",
            datetime(2024, 7, 1, 7, tzinfo=UTC),
            None,
        ),
        (
            ColumnPlan("x", type=ColumnType.DATETIME, format=HELSINKI),
            "2024-01-05T10:00:00+02:00",
            datetime(2024, 1, 5, 8, tzinfo=UTC),
            "2024-01-05T10:00:00+02:00",
        ),
        (
            ColumnPlan("x", type=ColumnType.DATETIME, format=HELSINKI),
            "2024-03-31 03:30:00",  # skipped when summer time begins
            datetime(2024, 3, 31, 1, 30, tzinfo=UTC),
            "2024-03-31 03:30:00",
        ),
        (
            ColumnPlan("x", type=ColumnType.DATETIME, format=ColumnFormat(date_format="%Y-%m-%dT%H:%M:%SZ")),
            "2024-01-05T10:00:00Z",
            datetime(2024, 1, 5, 10, tzinfo=UTC),
            None,
        ),
        (
            ColumnPlan(
                "x",
                type=ColumnType.DATETIME,
                format=ColumnFormat(date_format="%d.%m.%Y %H:%M", time_zone="Europe/Helsinki"),
            ),
            "05.01.2024 10:00",
            datetime(2024, 1, 5, 8, tzinfo=UTC),
            None,
        ),
        (ColumnPlan("x", type=ColumnType.LIST, format=ColumnFormat(separator=",")), "a,b", ["a", "b"], None),
        (
            ColumnPlan("x", type=ColumnType.LIST, format=ColumnFormat(separator=",")),
            '"VIP","x, y"',
            ["VIP", "x, y"],
            '"VIP","x, y"',
        ),
        (
            ColumnPlan("x", type=ColumnType.LIST, format=ColumnFormat(separator=";")),
            " a ;;b",
            ["a", "b"],
            " a ;;b",
        ),
        (ColumnPlan("x", type=ColumnType.LIST), '["a","b"]', ["a", "b"], None),
        (ColumnPlan("x", type=ColumnType.LIST), "[]", [], None),
    ],
)
def test_a_text_becomes_a_value(
    connection: duckdb.DuckDBPyConnection, plan: ColumnPlan, text: str, value: object, original: str | None
) -> None:
    assert convert(connection, plan, [text]) == [(value, original, False)]


@pytest.mark.parametrize(
    ("kind", "spelling", "texts"),
    [
        (ColumnType.INTEGER, ColumnFormat(), ["1.5", "1e5", "x", "12345678901234567890", "1,234"]),
        (ColumnType.NUMBER, ColumnFormat(), ["nan", "inf", "1,5", "1.2.3", "--1", "."]),
        (ColumnType.NUMBER, ColumnFormat(decimal=",", thousands="."), ["1.5", "12.34", "1,234.5"]),
        (ColumnType.BOOLEAN, ColumnFormat(), ["maybe", "2", "ja"]),
        (ColumnType.BOOLEAN, ColumnFormat(true_word="Ja", false_word="Nej"), ["nein"]),
        (ColumnType.DATE, ColumnFormat(), ["2023-02-29", "infinity", "2024-01-05 (BC)", "0000-00-00", "24-01-05"]),
        (ColumnType.DATE, ColumnFormat(date_format="%d/%m/%Y"), ["12/31/2024", "5/1/24", "5.1.2024"]),
        (
            ColumnType.DATETIME,
            HELSINKI,
            ["2024-02-30 10:00:00", "2024-02-29 25:00", "10:00", "2024-02-29T10:00+2"],
        ),
        (ColumnType.LIST, ColumnFormat(), ["a,b", '{"a": 1}', "["]),
    ],
)
def test_what_does_not_fit_is_empty_and_keeps_its_text(
    connection: duckdb.DuckDBPyConnection, kind: ColumnType, spelling: ColumnFormat, texts: list[str]
) -> None:
    plan = ColumnPlan("x", type=kind, format=spelling)
    assert convert(connection, plan, texts) == [(None, text, True) for text in texts]


def test_moments_of_many_tools_are_understood(connection: duckdb.DuckDBPyConnection) -> None:
    texts = [
        "2024-01-05T10:00:00Z", "2024-01-05T10:00Z", "2024-01-05 10:00:00 UTC", "2024-01-05T12:00:00+02:00",
        "2024-01-05 12:00:00 +0200", "2024-01-05T12:00+0200", "2024-01-05T10:00:00.000Z",
        "2024-01-05 10:00:00.0000000Z", "2024-01-05T05:00:00-05:00", "2024-01-05 12:00", "2024-01-05 12:00:00",
        "2024-01-05T12:00:00.0", "2024-01-05 10:00UTC",
    ]  # fmt: skip
    plan = ColumnPlan("x", type=ColumnType.DATETIME, format=HELSINKI)
    moment = datetime(2024, 1, 5, 10, tzinfo=UTC)
    assert dict(zip(texts, convert(connection, plan, texts), strict=True)) == {
        text: (moment, None if text == "2024-01-05 12:00:00" else text, False) for text in texts
    }


def test_times_without_a_zone_are_those_of_the_environment(
    connection: duckdb.DuckDBPyConnection, settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Jakarta"
    plan = ColumnPlan("x", type=ColumnType.DATETIME)
    assert convert(connection, plan, ["2024-01-05 10:00:00"]) == [
        (datetime(2024, 1, 5, 3, tzinfo=UTC), None, False)
    ]


PLANS = st.sampled_from(
    [
        ColumnPlan("x", type=ColumnType.INTEGER),
        ColumnPlan("x", type=ColumnType.NUMBER),
        ColumnPlan("x", type=ColumnType.NUMBER, format=ColumnFormat(decimal=",", decimals=2)),
        ColumnPlan("x", type=ColumnType.BOOLEAN),
        ColumnPlan("x", type=ColumnType.DATE),
        ColumnPlan("x", type=ColumnType.DATE, format=ColumnFormat(date_format="%m/%d/%Y")),
        ColumnPlan("x", type=ColumnType.DATETIME, format=HELSINKI),
        ColumnPlan("x", type=ColumnType.LIST, format=ColumnFormat(separator=",")),
        ColumnPlan("x", null_words=("-",)),
    ]
)


@settings(max_examples=25, deadline=None)
@given(plan=PLANS, texts=st.lists(st.text(st.sampled_from('0123456789-/.,: TZaé"'), max_size=12), min_size=1))
def test_a_text_is_never_lost(connection: duckdb.DuckDBPyConnection, plan: ColumnPlan, texts: list[str]) -> None:
    found = convert(connection, plan, texts)
    assert not any(misfit and value is not None for value, _original, misfit in found)
    query = f"SELECT {written('v0', plan)} FROM ({typed_query('p', [plan])}) ORDER BY _line OFFSET 1"
    for text, (_value, original, _misfit), (given_back,) in zip(
        texts, found, connection.execute(query).fetchall(), strict=True
    ):
        assert text in ("", original, given_back)


USUAL = st.sampled_from(
    [
        "5", "-5", "+5", "05", "5.0", "19.90", "19.9", ".5", "1e3", "true", "True", " true", "false", "2024-02-29",
        "2024-02-30", "2024-2-9", "2024/02/29", "2024-02-29 10:00:00", "2024-02-29T10:00:00", "2024-02-29 10:00",
        "2024-02-29T10:00:00Z", "2024-02-29T10:00:00z", "2024-02-29 10:00:00 ", "2024-13-01 10:00:00", "0-0-0",
        "2024-02-29 10:00:0 ", "2024-02-29T10:0 ", " 024-02-29T10:00:00Z", "\t024-02-29 10:00:00",
    ]
)  # fmt: skip
TYPED_PLANS = st.sampled_from(
    [
        ColumnPlan("x", type=kind, format=ColumnFormat(date_format=pattern, decimals=decimals))
        for kind, pattern, decimals in (
            (ColumnType.INTEGER, "", None),
            (ColumnType.NUMBER, "", None),
            (ColumnType.NUMBER, "", 2),
            (ColumnType.BOOLEAN, "", None),
            (ColumnType.DATE, "", None),
            (ColumnType.DATETIME, "", None),
            (ColumnType.DATETIME, "%Y-%m-%d %H:%M:%S", None),
            (ColumnType.DATETIME, "%Y-%m-%dT%H:%M:%SZ", None),
            (ColumnType.DATETIME, "%Y-%m-%d %H:%M", None),
        )
    ]
)


@settings(max_examples=60, deadline=None)
@given(plan=TYPED_PLANS, texts=st.lists(USUAL | st.text("0123456789-.: TZ+", max_size=20), min_size=1))
def test_the_quick_conversion_gives_the_values_of_the_full_one(
    connection: duckdb.DuckDBPyConnection, plan: ColumnPlan, texts: list[str]
) -> None:
    quickly = convert(connection, plan, texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(conversion._QUICK, plan.type, lambda _text, _spelling: "")
        assert convert(connection, plan, texts) == quickly


def test_a_blank_is_no_digit_of_a_moment(connection: duckdb.DuckDBPyConnection) -> None:
    for pattern in ("", "%Y-%m-%dT%H:%M:%SZ"):
        plan = ColumnPlan("x", type=ColumnType.DATETIME, format=ColumnFormat(date_format=pattern))
        texts = ["2024-02-29 10:00:0 ", "2024-02-29T10:0 ", " 024-02-29T10:00:00Z", "\t024-02-29 10:00:00"]
        assert convert(connection, plan, texts) == [(None, text, True) for text in texts]


def test_blanks_that_do_not_occur_are_not_looked_for(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE OR REPLACE TEMPORARY TABLE p AS SELECT 2 AS _line, unnest([' a', 'b ', 'ł']) AS t0")
    query = typed_query("p", [ColumnPlan("x")], blanks=" ")
    assert connection.execute(f"SELECT v0 FROM ({query})").fetchall() == [("a",), ("b",), ("ł",)]
    assert "200b" not in query


def test_ignored_columns_are_not_converted(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE OR REPLACE TEMPORARY TABLE p AS SELECT 2 AS _line, 'a' AS t0, '5' AS t1")
    plans = [ColumnPlan("a", is_ignored=True), ColumnPlan("b", type=ColumnType.INTEGER)]
    found = connection.execute(typed_query("p", plans))
    assert [column[0] for column in found.description or []] == ["_line", "v1", "o1", "m1"]
    assert found.fetchall() == [(2, 5, None, False)]


@pytest.mark.parametrize("kind", [each for each in ColumnType if each is not ColumnType.TEXT])
def test_a_text_is_trimmed_once_for_the_value_and_once_for_the_misfit(kind: ColumnType) -> None:
    """Seven columns of dates and numbers once took 5 s and 470 MB before the first row."""
    query = typed_query("rows", [ColumnPlan("any", type=kind)])
    assert query.count("trim(t0") == 2


@pytest.mark.parametrize("kind", list(ColumnType))
@pytest.mark.parametrize("null_words", [(), ("NULL", "N/A", "-", "none", "null", "n/a", "?")])
def test_a_file_of_many_columns_is_converted_without_a_join_for_each(
    connection: duckdb.DuckDBPyConnection, kind: ColumnType, null_words: tuple[str, ...]
) -> None:
    connection.execute("CREATE OR REPLACE TEMPORARY TABLE p (_line BIGINT, t0 VARCHAR)")
    query = typed_query("p", [ColumnPlan("x", type=kind, null_words=null_words)])
    ((_name, plan),) = connection.execute(f"EXPLAIN {query}").fetchall()
    assert "JOIN" not in plan

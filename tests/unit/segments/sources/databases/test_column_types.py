"""Columns of a query follow the types of the database."""

import duckdb
import pytest

from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.sources.conversion import typed_query
from segments.sources.databases import reader
from segments.sources.databases.column_types import as_key, plan_columns

# A value as SQL of DuckDB, its text, its type, and the typed value as text.
VALUES = [
    ("'01234'", "01234", ColumnType.TEXT, "01234"),
    ("'N/A'", "N/A", ColumnType.TEXT, "N/A"),
    ("7::SMALLINT", "7", ColumnType.INTEGER, "7"),
    ("(-9223372036854775808)::BIGINT", "-9223372036854775808", ColumnType.INTEGER, "-9223372036854775808"),
    ("18446744073709551615::UBIGINT", "18446744073709551615", ColumnType.INTEGER, None),
    ("12.50::DECIMAL(12, 2)", "12.50", ColumnType.NUMBER, "12.5"),
    ("12::DECIMAL(12, 0)", "12", ColumnType.INTEGER, "12"),
    ("0.1::FLOAT", "0.1", ColumnType.NUMBER, "0.1"),
    ("500500::DOUBLE", "500500", ColumnType.NUMBER, "500500.0"),
    ("1e20::DOUBLE", "1e+20", ColumnType.NUMBER, "1e+20"),
    ("'nan'::DOUBLE", "nan", ColumnType.NUMBER, None),
    ("true", "true", ColumnType.BOOLEAN, "true"),
    ("DATE '2024-02-29'", "2024-02-29", ColumnType.DATE, "2024-02-29"),
    (
        "TIMESTAMP '2024-02-29 10:00:00.5'",
        "2024-02-29 10:00:00.5",
        ColumnType.DATETIME,
        "2024-02-29 10:00:00.5+00",
    ),
    ("TIMESTAMP_S '2024-02-29 10:00:00'", "2024-02-29 10:00:00", ColumnType.DATETIME, "2024-02-29 10:00:00+00"),
    (
        "'2024-02-29 10:00:00.25+00'::TIMESTAMPTZ",
        "2024-02-29 10:00:00.25",
        ColumnType.DATETIME,
        "2024-02-29 10:00:00.25+00",
    ),
    ("['a', 'b;c']", '["a","b;c"]', ColumnType.LIST, "[a, b;c]"),
    ("[1, 2]", '["1","2"]', ColumnType.LIST, "[1, 2]"),
    ("{'a': 1}", '{"a":1}', ColumnType.TEXT, '{"a":1}'),
    (
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ColumnType.TEXT,
        None,
    ),
    ("TIME '10:00:00'", "10:00:00", ColumnType.TEXT, "10:00:00"),
    ("''", None, ColumnType.TEXT, None),
    ("'a' || chr(0)", "a", ColumnType.TEXT, "a"),
]


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


@pytest.mark.parametrize(("value", "text", "kind", "typed"), VALUES)
def test_values_keep_their_type_on_the_way_through_text(
    database: duckdb.DuckDBPyConnection, value: str, text: str | None, kind: ColumnType, typed: str | None
) -> None:
    described = database.execute(f"SELECT {value} AS x").description
    expression, word = reader._as_text("x", described[0][1])
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE given AS SELECT 1::BIGINT AS _line, {expression} AS t0"
        f" FROM (SELECT {value} AS x)"
    )
    assert database.execute("SELECT t0 FROM given").fetchall() == [(text,)]
    (plan,) = plan_columns(["x"], [word], [[text]])
    assert plan.type is kind
    rows = database.execute(f"SELECT CAST(v0 AS VARCHAR), o0, m0 FROM ({typed_query('given', [plan])})").fetchall()
    ((converted, original, misfit),) = rows
    if typed is not None:
        assert (converted, original, misfit) == (typed, None, False)
    elif kind is not ColumnType.TEXT:
        assert (converted, original, misfit) == (None, text, True)


def test_bytes_are_not_imported(database: duckdb.DuckDBPyConnection) -> None:
    described = database.execute("SELECT 'a'::BLOB AS x").description
    expression, word = reader._as_text("x", described[0][1])
    assert database.execute(f"SELECT {expression} FROM (SELECT 'a'::BLOB AS x)").fetchall() == [(None,)]
    assert plan_columns(["x"], [word], [[None]])[0].is_ignored


def test_texts_that_are_addresses_are_emails() -> None:
    rows: list[list[str | None]] = [
        ["a@example.com", "a@example.com", "1"],
        ["b@example.com", None, "2"],
        ["c@example.com", "x", "3"],
    ]
    plans = plan_columns(["contact", "note", "n"], ["text", "text", "integer"], rows)
    assert [plan.is_email for plan in plans] == [True, False, False]


def test_a_key_is_text() -> None:
    (plan,) = plan_columns(["id"], ["integer"], [["7"]])
    assert as_key(plan) == ColumnPlan("id")

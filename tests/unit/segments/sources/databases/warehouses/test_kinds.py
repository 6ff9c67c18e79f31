"""The type of a column in a warehouse says what kind its texts are."""

from typing import Any

import pytest

from segments.sources.databases.warehouses import bigquery, clickhouse, databricks, snowflake, trino
from segments.sources.databases.warehouses.rows import Column, as_texts


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("UInt8", "integer"),
        ("Nullable(Int256)", "integer"),
        ("LowCardinality(Nullable(String))", "text"),
        ("Float32", "number"),
        ("Decimal(12, 2)", "number 2"),
        ("Nullable(Decimal(38, 20))", "number"),
        ("Decimal(9, 0)", "integer"),
        ("Bool", "boolean"),
        ("Date", "date"),
        ("Date32", "date"),
        ("DateTime", "moment"),
        ("DateTime('Europe/Helsinki')", "moment"),
        ("DateTime64(3, 'UTC')", "moment"),
        ("Array(Nullable(String))", "list"),
        ("FixedString(16)", "text"),
        ("Enum8('a' = 1)", "text"),
        ("UUID", "text"),
        ("Tuple(Int8, String)", "text"),
        ("Map(String, Int8)", "text"),
    ],
)
def test_of_clickhouse(declared: str, kind: str) -> None:
    assert clickhouse.kind_of(declared) == kind


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (b"AB\0\0", "text", "AB"),
        ("é\0".encode(), "text", "é"),
        (b"\xff\0", "text", None),
        (b"\0\0", "text", None),
        ([b"A\0", None], "list", '["A",null]'),
        ("AB", "text", "AB"),
    ],
)
def test_fixed_strings_of_clickhouse_are_texts(value: Any, kind: str, text: str | None) -> None:
    (batch,) = as_texts([Column("a", kind)], [[(value,)]], clickhouse.text_of_value).batches
    assert batch == [[text]]


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("tinyint", "integer"),
        ("integer", "integer"),
        ("bigint", "integer"),
        ("double", "number"),
        ("decimal(12,2)", "number 2"),
        ("decimal(38, 0)", "integer"),
        ("boolean", "boolean"),
        ("date", "date"),
        ("timestamp(3)", "datetime"),
        ("timestamp(6) with time zone", "moment"),
        ("time(3)", "text"),
        ("array(varchar(10))", "list"),
        ("varbinary", "binary"),
        ("varchar(5)", "text"),
        ("map(varchar, integer)", "text"),
        ("interval day to second", "text"),
    ],
)
def test_of_trino(declared: str, kind: str) -> None:
    assert trino.kind_of(declared) == kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29 10:00:00.250 UTC", "2024-02-29 10:00:00.250"),
        ("2024-02-29 10:00:00.250 Europe/Helsinki", "2024-02-29 08:00:00.250000"),
        ("2024-06-30 10:00:00.123456789 Europe/Helsinki", "2024-06-30 07:00:00.123456"),
        ("2024-02-29 10:00:00 +05:30", "2024-02-29 04:30:00"),
        ("2024-02-29 10:00:00 -03:00", "2024-02-29 13:00:00"),
        ("2024-10-27 03:30:00 Europe/Helsinki", "2024-10-27 00:30:00"),  # the first of two
        ("-0044-03-15 10:00:00 Europe/Rome", "-0044-03-15 10:00:00 Europe/Rome"),
        ("+12024-02-29 10:00:00 +02:00", "+12024-02-29 10:00:00 +02:00"),
        ("0001-01-01 00:00:00 Europe/Helsinki", "0001-01-01 00:00:00 Europe/Helsinki"),
        ("2024-02-29 10:00:00 Nowhere/Town", "2024-02-29 10:00:00 Nowhere/Town"),
    ],
)
def test_moments_of_trino_are_written_in_utc(text: str, expected: str) -> None:
    assert trino.in_utc(text) == expected


@pytest.mark.parametrize(
    ("code", "scale", "kind"),
    [(0, 0, "integer"), (0, 2, "number 2"), (1, None, "number"), (2, None, "text"), (3, None, "date"),
     (4, None, "datetime"), (5, None, "text"), (6, 9, "moment"), (7, 9, "moment"), (8, 9, "datetime"),
     (10, None, "list"), (11, None, "binary"), (12, None, "text"), (13, None, "boolean")],
)  # fmt: skip
def test_of_snowflake(code: int, scale: int | None, kind: str) -> None:
    assert snowflake.kind_of(code, scale) == kind


@pytest.mark.parametrize(
    ("declared", "mode", "kind"),
    [("INTEGER", "NULLABLE", "integer"), ("NUMERIC", "NULLABLE", "number"), ("STRING", "REPEATED", "list"),
     ("TIMESTAMP", "REQUIRED", "moment"), ("DATETIME", "NULLABLE", "datetime"), ("BYTES", "NULLABLE", "binary"),
     ("RECORD", "NULLABLE", "text"), ("JSON", "NULLABLE", "text")],
)  # fmt: skip
def test_of_bigquery(declared: str, mode: str, kind: str) -> None:
    assert bigquery.kind_of(declared, mode) == kind


@pytest.mark.parametrize(
    ("declared", "scale", "kind"),
    [("bigint", None, "integer"), ("decimal", 2, "number 2"), ("decimal", 0, "integer"), ("string", None, "text"),
     ("timestamp", None, "moment"), ("timestamp_ntz", None, "datetime"), ("array", None, "list"),
     ("struct", None, "text"), ("binary", None, "binary"), ("boolean", None, "boolean")],
)  # fmt: skip
def test_of_databricks(declared: str, scale: int | None, kind: str) -> None:
    assert databricks.kind_of(declared, scale) == kind

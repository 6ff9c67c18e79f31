"""The type of a column in a warehouse says what kind its texts are. For drivers that tests have."""

import pytest

from segments.sources.databases.warehouses import clickhouse, trino


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
        ("FixedString(16)", "binary"),
        ("Enum8('a' = 1)", "text"),
        ("UUID", "text"),
        ("Tuple(Int8, String)", "text"),
        ("Map(String, Int8)", "text"),
    ],
)
def test_of_clickhouse(declared: str, kind: str) -> None:
    assert clickhouse.kind_of(declared) == kind


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
    ],
)
def test_moments_of_trino_are_written_in_utc(text: str, expected: str) -> None:
    assert trino.in_utc(text) == expected

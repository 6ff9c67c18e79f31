"""Values of drivers become texts of the kind of their column."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from segments.sources.databases.warehouses.rows import Column, as_texts, number_kind, text_of

HELSINKI = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "text", None),
        ("", "text", None),
        ("a\0b", "text", "ab"),
        ("01234", "text", "01234"),
        (True, "boolean", "true"),
        (False, "boolean", "false"),
        (12, "integer", "12"),
        (2000.0, "number", "2000"),
        (0.1, "number", "0.1"),
        (1e300, "number", "1e+300"),
        (float("nan"), "number", "nan"),
        (Decimal("12.50"), "number 2", "12.50"),
        (Decimal("1E+3"), "number", "1000"),
        (date(1990, 2, 28), "date", "1990-02-28"),
        (datetime(2024, 2, 29, 10, 0, 0, 500_000, tzinfo=UTC), "datetime", "2024-02-29 10:00:00.500000"),
        (datetime(2024, 2, 29, 10, tzinfo=UTC), "moment", "2024-02-29 10:00:00"),
        (datetime(2024, 2, 29, 10, tzinfo=HELSINKI), "moment", "2024-02-29 08:00:00"),
        (datetime(2024, 2, 29, 10, tzinfo=HELSINKI), "datetime", "2024-02-29 10:00:00"),
        (["a", None, 1, "é"], "list", '["a",null,"1","é"]'),
        ('["a", "b"]', "list", '["a","b"]'),
        ([], "list", "[]"),
        ('["a",undefined,"undefined \\"undefined"]', "list", '["a",null,"undefined \\"undefined"]'),
        ("[undefined]", "list", "[null]"),
        ("[a", "list", "[a"),
        ({"a": 1}, "text", '{"a": 1}'),
        (b"\x00\xff", "binary", None),
        (b"\x00\xff", "text", None),
        (UUID(int=1), "text", "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_value_becomes_a_text(value: Any, kind: str, text: str | None) -> None:
    assert text_of(value, kind) == text


@pytest.mark.parametrize(
    ("scale", "kind"), [(0, "integer"), (2, "number 2"), (15, "number 15"), (16, "number"), (None, "number")]
)
def test_decimals_say_the_kind_of_a_number(scale: int | None, kind: str) -> None:
    assert number_kind(scale) == kind


def test_each_value_is_converted_by_its_column() -> None:
    rows = as_texts([Column("id", "integer"), Column("tags", "list")], [[(1, ["a"])], [(2, None)]])
    assert list(rows.batches) == [[["1", '["a"]']], [["2", None]]]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("text", ["a", None, "", "é"]),
        ("text", ["a", "b\0c", None]),
        ("text", ["a", 1, b"x"]),
        ("integer", [1, None, -2]),
        ("integer", [1, True, "3"]),
        ("number", ["1.50", None]),
        ("boolean", [True, None, False]),
        ("moment", [None, datetime(2024, 2, 29, 10, tzinfo=HELSINKI)]),
        ("binary", [b"a", "b", None]),
        ("list", ['["a"]', ["b"], None]),
    ],
)
def test_a_whole_column_is_converted_as_each_of_its_values(kind: str, values: list[Any]) -> None:
    (batch,) = as_texts([Column("a", kind)], [[(value,) for value in values]]).batches
    assert batch == [[text_of(value, kind)] for value in values]

"""Values of a driver become texts that a value of the type of their kind gives back."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from segments.sources.databases.cursor_reader import _Column


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (True, "boolean", "true"),
        (7, "integer", "7"),
        (2.0, "number", "2"),
        (0.1, "number", "0.1"),
        (1e300, "number", "1e+300"),
        (Decimal("12.50"), "number 2", "12.50"),
        (Decimal("7"), "integer", "7"),
        (Decimal("1E+3"), "integer", "1000"),
        (Decimal("NaN"), "number", "nan"),
        (date(1990, 2, 28), "date", "1990-02-28"),
        (datetime(2024, 2, 29, 10, 0, 0, 500_000), "datetime", "2024-02-29 10:00:00.5"),  # noqa: DTZ001
        (datetime(2024, 2, 29, 10, 0), "datetime", "2024-02-29 10:00:00"),  # noqa: DTZ001
        (datetime(2024, 2, 29, 10, tzinfo=timezone(timedelta(hours=2))), "moment", "2024-02-29 08:00:00"),
        (["a", None, 1], "list", '["a",null,"1"]'),
        ("01234", "text", "01234"),
        ("a\0b", "text", "ab"),
        (UUID(int=1), "text", "00000000-0000-0000-0000-000000000001"),
        (b"\x00", "binary", None),
        ("", "text", None),
        (datetime(1, 1, 1, tzinfo=UTC), "moment", "0001-01-01 00:00:00"),
    ],
)
def test_a_value_becomes_a_text_of_a_kind(value: Any, kind: str, text: str | None) -> None:
    column = _Column()
    assert (column.text(value), column.kind) == (text, kind)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None], "text"),
        ([None, 1, None], "integer"),
        ([1, Decimal("0.5")], "number"),
        ([Decimal("0.5"), Decimal("0.25")], "number"),
        ([1, "a"], "text"),
        ([True, 1], "text"),
    ],
)
def test_the_values_say_what_kind_a_column_is(values: list[Any], kind: str) -> None:
    column = _Column()
    for value in values:
        column.text(value)
    assert column.kind == kind

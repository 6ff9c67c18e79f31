"""Values that a driver gives as the database writes them become texts of the kind of their column."""

from types import SimpleNamespace
from typing import Any

import pytest

from segments.sources.databases.cursor_reader import kind_of, text_of


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (None, 25, None),
        ("t", 16, "true"),
        ("f", 16, "false"),
        ("2024-02-29 08:00:00.25+00", 1184, "2024-02-29 08:00:00.25"),
        ("\\x00ff", 17, None),
        ("12.50", 1700, "12.50"),
        (["a", None, 1], 1009, '["a",null,"1"]'),
    ],
)
def test_a_value_becomes_a_text(value: Any, code: int, text: str | None) -> None:
    assert text_of(value, code) == text


@pytest.mark.parametrize(
    ("code", "scale", "kind"),
    [
        (16, None, "boolean"),
        (20, None, "integer"),
        (701, None, "number"),
        (1700, 2, "number 2"),
        (1700, 0, "integer"),
        (1700, None, "number"),
        (1700, 37, "number"),
        (1082, None, "date"),
        (1114, None, "datetime"),
        (1184, None, "moment"),
        (1043, None, "text"),
        (3802, None, "text"),
        (1009, None, "list"),
        (17, None, "binary"),
        (99_999, None, "text"),
    ],
)
def test_the_type_in_the_database_says_what_kind_a_column_is(code: int, scale: int | None, kind: str) -> None:
    assert kind_of(SimpleNamespace(type_code=code, scale=scale)) == kind

"""Pushed profiles are checked one by one; what fits becomes a line of CSV."""

import csv
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.sources.push.rows import check_rows

PLANS = [ColumnPlan("id"), *(ColumnPlan(kind.value, type=kind) for kind in ColumnType)]


def error(profile: object) -> tuple[str | None, str]:
    (found,) = check_rows([profile], PLANS, ["id"]).errors
    return found.attribute, found.reason


def texts(profile: dict[str, Any]) -> list[str]:
    (line,) = check_rows([profile], PLANS, ["id"]).lines
    (row,) = csv.reader([line])
    return row


def test_a_value_is_written_as_its_column_reads_it() -> None:
    profile = {
        "id": "1",
        "text": 'a, "b"',
        "integer": -7,
        "number": 1e300,
        "boolean": False,
        "date": "2024-02-29",
        "datetime": "2024-02-29T12:00:00.5+05:30",
        "list": ["a", "ł"],
    }
    expected = [
        "1",
        'a, "b"',
        "-7",
        "1e+300",
        "false",
        "2024-02-29",
        "2024-02-29T06:30:00.500000+00:00",
        '["a","ł"]',
    ]
    assert texts(profile) == expected


def test_attributes_that_are_not_named_are_empty() -> None:
    assert texts({"id": "1", "text": None}) == ["1", *[""] * len(ColumnType)]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("text", 1),
        ("text", "x" * 10_001),
        ("text", "\0"),
        ("integer", 1.0),
        ("integer", True),
        ("integer", 2**63),
        ("number", "1"),
        ("number", True),
        ("boolean", 0),
        ("date", "2023-02-29"),
        ("date", "20240229"),
        ("date", 20240229),
        ("datetime", "2024-02-29"),
        ("datetime", "2024-02-29T12:00:00"),
        ("datetime", "9999-12-31T23:59:59-14:00"),
        ("datetime", None.__class__),
        ("list", "Ann"),
        ("list", [None]),
        ("list", ["x" * 10_000]),
    ],
)
def test_a_value_of_another_type_is_named_and_not_quoted(attribute: str, value: object) -> None:
    found, reason = error({"id": "1", attribute: value})
    assert found == attribute
    assert str(value) not in reason or isinstance(value, int)


@pytest.mark.parametrize("key", ["", " \u00a0\ufeff", None, "x" * 201, "a\nb"])
def test_a_profile_needs_a_usable_key(key: object) -> None:
    assert error({"id": key})[0] == "id"


def test_the_key_of_several_columns_is_joined_without_ambiguity() -> None:
    plans = [ColumnPlan("shop"), ColumnPlan("number")]
    found = check_rows([{"shop": " a|b ", "number": "1"}], plans, ["shop", "number"])
    assert found.keys == [r"a\|b|1"]
    assert check_rows([{"shop": "a"}], plans, ["shop", "number"]).errors[0].reason == "The key is empty."


def test_the_other_profiles_of_a_request_are_accepted() -> None:
    found = check_rows([{"id": "1"}, 5, {"id": "2", "unknown": 1}, {"id": "3"}], PLANS, ["id"])
    assert found.keys == ["1", "3"]
    assert [(each.index, each.attribute) for each in found.errors] == [(1, None), (2, "unknown")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.sampled_from([plan.column for plan in PLANS]), JSON, max_size=9), max_size=5))
def test_every_profile_is_accepted_or_has_an_error(profiles: list[dict[str, Any]]) -> None:
    found = check_rows(profiles, PLANS, ["id"])
    assert len(found.lines) == len(found.keys)
    assert len(found.lines) + len(found.errors) == len(profiles)
    assert all(len(row) == len(PLANS) for row in csv.reader("".join(found.lines).splitlines(keepends=True)))


def test_values_are_found_by_the_name_of_the_attribute_or_the_one_it_had() -> None:
    plans = [ColumnPlan("id", attribute="customer"), ColumnPlan("city", attribute="town")]
    found = check_rows([{"customer": "1", "town": "Oslo"}, {"id": "2", "city": "Turku"}], plans, ["id"])
    assert found.lines == ["1,Oslo\n", "2,Turku\n"]
    assert check_rows([{"town": "Oslo"}], plans, ["id"]).errors[0].attribute == "customer"


def test_the_name_that_another_attribute_has_now_means_that_one() -> None:
    plans = [ColumnPlan("id"), ColumnPlan("city", attribute="town"), ColumnPlan("place", attribute="city")]
    assert check_rows([{"id": "1", "city": "Oslo"}], plans, ["id"]).lines == ["1,,Oslo\n"]

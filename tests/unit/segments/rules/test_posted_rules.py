"""Read the rules that the builder posts, and change them by its buttons."""

from typing import Any

import pytest
from django.http import QueryDict

from segments.models import AttributeType
from segments.rules import posted_rules

CITY = {"attribute": "city", "operator": "is", "value": "Turku"}
TYPES = {
    "city": AttributeType.TEXT,
    "town": AttributeType.TEXT,
    "joined": AttributeType.DATE,
    "points": AttributeType.INTEGER,
    "tags": AttributeType.LIST,
}


def rules(*entries: dict[str, Any], join: str = "and") -> dict[str, Any]:
    return {"join": join, "rules": list(entries)}


def read(**fields: Any) -> dict[str, Any]:
    """Return the rules of posted fields; names have ``_`` for ``-`` and ``.`` is written as it is."""
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return posted_rules.from_post(data, TYPES)


def read_condition(attribute: str, operator: str, **fields: Any) -> dict[str, Any]:
    names = {f"{name}-0": value for name, value in fields.items()}
    tree = read(**{"row": "0", "attribute-0": attribute, "operator-0": operator, **names})
    return dict(tree["rules"][0])


@pytest.mark.parametrize(
    ("operator", "posted", "stored"),
    [
        ("in_last", ["3", "weeks"], ["3", "weeks"]),
        ("more_than_ago", ["3"], ["3", "days"]),
        ("month_of", "12", "12"),
        ("month_of", "current", "current"),
        ("day_of", "today", "today"),
        ("day_of", ["day", "12-24"], "12-24"),
        ("between", ["2020-01-01", "2020-02-01"], ["2020-01-01", "2020-02-01"]),
    ],
)
def test_each_operator_reads_its_controls(operator: str, posted: Any, stored: Any) -> None:
    assert read_condition("joined", operator, value=posted) == {
        "attribute": "joined",
        "operator": operator,
        "value": stored,
    }


def test_values_are_read_one_per_line_or_as_choices() -> None:
    lines = read_condition("tags", "contains_any", value="a\r\n b \n\na")
    assert lines["value"] == ["a", "b"]
    assert read_condition("city", "none_of", value=["Turku", "Oulu"])["value"] == ["Turku", "Oulu"]


def test_a_condition_compares_with_another_attribute() -> None:
    assert read_condition("city", "is", against="attribute", other="town") == {
        "attribute": "city",
        "operator": "is",
        "other_attribute": "town",
    }


def test_only_comparisons_with_one_value_take_another_attribute() -> None:
    assert "other_attribute" not in read_condition("city", "any_of", against="attribute", other="town", value="a")


def test_a_condition_about_another_segment_is_read() -> None:
    tree = read(**{"row": "0", "segment-0": "7", "operator-0": "not_member"})
    assert tree["rules"] == [{"segment": 7, "operator": "not_member"}]
    assert read(**{"row": "0", "segment-0": ""})["rules"] == [{"segment": "", "operator": "member"}]


def test_an_attribute_that_is_no_longer_there_stays() -> None:
    assert read_condition("shoe", "is", value="9") == {"attribute": "shoe"}


def test_groups_are_read_to_any_depth() -> None:
    rows = {"row": ["0", "0.0", "0.0.0"], "group": ["0", "0.0"], "join-0": "or", "join-0.0": "except"}
    tree = read(**{**rows, "attribute-0.0.0": "city", "operator-0.0.0": "has_value", "join-root": "union"})
    inner = rules({"attribute": "city", "operator": "has_value"}, join="except")
    assert tree == rules(rules(inner, join="or"), join="union")


def test_rows_of_a_group_that_is_not_there_are_left_out() -> None:
    assert read(**{"row": ["5.0"], "attribute-5.0": "city"}) == rules()


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("add:root", rules(CITY, rules(CITY, join="or"), {})),
        ("add:1", rules(CITY, rules(CITY, {}, join="or"))),
        ("add-segment:1", rules(CITY, rules(CITY, {"segment": "", "operator": "member"}, join="or"))),
        ("group:root", rules(CITY, rules(CITY, join="or"), rules({}, join="or"))),
        ("group:1", rules(CITY, rules(CITY, rules({}, join="and"), join="or"))),
        ("remove:0", rules(rules(CITY, join="or"))),
        ("remove:1.0", rules(CITY, rules(join="or"))),
        ("remove:7", rules(CITY, rules(CITY, join="or"))),
        ("show", rules(CITY, rules(CITY, join="or"))),
    ],
)
def test_a_button_changes_the_rules(action: str, expected: dict[str, Any]) -> None:
    assert posted_rules.apply_action(rules(CITY, rules(CITY, join="or")), action) == expected


def test_empty_groups_are_not_stored() -> None:
    assert posted_rules.without_empty_groups(rules(CITY, rules(rules(), join="or"))) == rules(CITY)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"join": "xor", "rules": []}', '{"join": "and", "rules": [1]}'])
def test_what_is_no_tree_of_rules_is_not_restored(text: str) -> None:
    assert posted_rules.from_json(text) is None


def test_rules_are_restored_from_json() -> None:
    text = '{"join": "and", "rules": [{"join": "or", "rules": [{}]}]}'
    assert posted_rules.from_json(text) == rules(rules({}, join="or"))

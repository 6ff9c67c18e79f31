"""Buttons of the rule editor, and the rules that it stores."""

from typing import Any

import pytest

from segments.rules import editor

CITY = {"attribute": "city", "operator": "is", "value": "Turku"}


def rules(*entries: dict[str, Any], join: str = "and") -> dict[str, Any]:
    return {"join": join, "rules": list(entries)}


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("add:root", rules(CITY, rules(CITY, join="or"), {})),
        ("add:1", rules(CITY, rules(CITY, {}, join="or"))),
        ("group", rules(CITY, rules(CITY, join="or"), rules({}, join="or"))),
        ("remove:0", rules(rules(CITY, join="or"))),
        ("remove:1.0", rules(CITY, rules(join="or"))),
        ("remove:7", rules(CITY, rules(CITY, join="or"))),
        ("show", rules(CITY, rules(CITY, join="or"))),
    ],
)
def test_a_button_changes_the_rules(action: str, expected: dict[str, Any]) -> None:
    assert editor.apply_action(rules(CITY, rules(CITY, join="or")), action) == expected


def test_empty_groups_are_not_stored() -> None:
    assert editor.without_empty_groups(rules(CITY, rules(join="or"))) == rules(CITY)


def test_groups_inside_groups_are_not_editable() -> None:
    assert editor.is_editable(rules(CITY, rules(CITY)))
    assert not editor.is_editable(rules(rules(rules(CITY))))


@pytest.mark.parametrize(
    "rule",
    [
        {"attribute": "joined", "operator": "in_last", "value": 3, "unit": "months"},
        {"attribute": "city", "operator": "is", "other_attribute": "town"},
        {"segment": 7, "operator": "member"},
        rules(CITY, join="except"),
    ],
    ids=["a period", "another attribute", "another segment", "sets"],
)
def test_what_it_cannot_show_is_not_editable(rule: dict[str, Any]) -> None:
    assert not editor.is_editable(rules(CITY, rule))

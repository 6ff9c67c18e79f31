"""Descriptions of rules in plain language."""

from typing import Any

import pytest

from segments.rules import operators


def test_nested_rules_are_one_sentence() -> None:
    tree = {
        "join": "and",
        "rules": [
            {"attribute": "newsletter", "operator": "is_yes"},
            {
                "join": "or",
                "rules": [
                    {"attribute": "city", "operator": "any_of", "value": ["Łódź", "Lo"], "ignore_case": True},
                    {"attribute": "points", "operator": "between", "value": [1, "2.5"]},
                    {"attribute": "born", "operator": "within_last_days", "value": 30},
                ],
            },
            {"join": "or", "rules": [{"attribute": "city", "operator": "is_not", "value": "x"}]},
        ],
    }
    assert operators.describe_rules(tree) == (
        "newsletter is yes and (city is any of “Łódź”, “Lo” (any case) or points is between 1 and 2.5 "
        "or born is within the last 30 days) and city is not “x”"
    )


def test_masked_rules_hide_their_values() -> None:
    tree = {"rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]}
    assert "Turku" in operators.describe_rules(tree)
    assert "Turku" not in operators.describe_rules(tree, masked=True)


def test_a_condition_without_a_value_is_described_as_far_as_it_is_filled_in() -> None:
    assert operators.describe_condition({}) == ""
    assert operators.describe_condition({"attribute": "city"}) == "city …"
    assert operators.describe_condition({"attribute": "city", "operator": "is"}) == "city is …"


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"attribute": "born", "operator": "in_last", "value": [1, "weeks"]}, "born is in the last 1 week"),
        ({"attribute": "born", "operator": "in_next", "value": ["3", "months"]}, "born is in the next 3 months"),
        (
            {"attribute": "seen", "operator": "more_than_ago", "value": [12, "hours"]},
            "seen is more than 12 hours ago",
        ),
        ({"attribute": "born", "operator": "month_of", "value": "12"}, "born falls in December"),
        ({"attribute": "born", "operator": "month_of", "value": "current"}, "born falls in the current month"),
        ({"attribute": "born", "operator": "day_of", "value": "12-24"}, "born has its anniversary on 12-24"),
        ({"attribute": "born", "operator": "day_of", "value": "today"}, "born has its anniversary today"),
        ({"attribute": "tags", "operator": "contains_all", "value": ["a", "b"]}, "tags contains all of “a”, “b”"),
        ({"attribute": "city", "operator": "is", "other_attribute": "town"}, "city is town"),
        ({"segment": 7, "operator": "member"}, "is a member of “VIP”"),
        ({"segment": 8, "operator": "not_member"}, "is not a member of segment 8"),
        ({"attribute": "born", "operator": "in_last", "value": None}, "born is in the last …"),
        ({"attribute": "born", "operator": "more_than_ago", "value": ["", "days"]}, "born is more than …"),
        ({"attribute": "born", "operator": "month_of"}, "born falls in …"),
    ],
)
def test_every_kind_of_condition_is_described(rule: dict[str, Any], sentence: str) -> None:
    assert operators.describe_rules({"rules": [rule]}, segment_names={7: "VIP"}) == sentence


def test_sets_of_profiles_are_described() -> None:
    city, town = ({"attribute": name, "operator": "has_value"} for name in ("city", "town"))
    both = {"join": "union", "rules": [city, town]}
    assert operators.describe_rules({"join": "except", "rules": [both, city]}) == (
        "(city has a value or town has a value) except city has a value"
    )
    assert operators.describe_rules({"join": "except", "rules": [{"rules": []}, city]}) == (
        "All customers except city has a value"
    )

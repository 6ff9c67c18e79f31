"""The SQL of rules finds what a plain evaluation of the rules finds."""

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.models import AttributeType
from segments.rules import operators
from segments.rules import tree as rules_tree
from segments.rules.values import MAX_VALUE_LENGTH
from tests.support import random_rules
from tests.support.random_rules import ZONES
from tests.support.rules_evaluation import Evaluator

TODAY = date(2024, 3, 10)
ATTRIBUTE_TYPES = {
    "city": AttributeType.TEXT,
    "points": AttributeType.NUMBER,
    "born": AttributeType.DATE,
    "newsletter": AttributeType.BOOLEAN,
}


@pytest.mark.parametrize(
    "tree", [{}, rules_tree.EVERYONE, {"join": "or", "rules": [{"join": "and", "rules": []}]}]
)
def test_no_rules_mean_everyone(tree: dict[str, Any]) -> None:
    assert operators.describe_rules(tree) == "All customers"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({}, "Choose an attribute"),
        ({"attribute": "shoe"}, "no attribute “shoe”"),
        ({"attribute": "city"}, "Choose a comparison for “city”"),
        ({"attribute": "city", "operator": ">=", "value": "1"}, "Choose a comparison for"),
        ({"attribute": "city", "operator": "is"}, "Enter a value"),
        ({"attribute": "city", "operator": "is", "value": "\0"}, "profiles cannot contain"),
        ({"attribute": "city", "operator": "any_of", "value": []}, "at least one"),
        ({"attribute": "city", "operator": "any_of", "value": "Lodz"}, "at least one"),
        ({"attribute": "points", "operator": "=", "value": "many"}, "“many” is not a number"),
        ({"attribute": "points", "operator": "=", "value": "NaN"}, "not a number"),
        ({"attribute": "points", "operator": "=", "value": "1e999999"}, "not a number"),
        ({"attribute": "points", "operator": "between", "value": [5, 1]}, "greater than the second"),
        ({"attribute": "points", "operator": "between", "value": 5}, "two values"),
        ({"attribute": "born", "operator": "before", "value": "2024-02-30"}, "YYYY-MM-DD"),
        ({"attribute": "born", "operator": "between", "value": ["2024-02-02", "2024-01-01"]}, "must not be after"),
        ({"attribute": "born", "operator": "within_last_days", "value": "0"}, "from 1 to"),
        ({"attribute": "born", "operator": "within_last_days", "value": "a week"}, "whole number of days"),
        ({"join": "xor", "rules": []}, "“and” or “or”"),
        ({"segment": "7", "operator": "member"}, "Choose a segment"),
        ({"segment": 9, "operator": "member"}, "no segment with the ID 9"),
        ({"segment": 7, "operator": "is"}, "“member” or “not member”"),
        ({"attribute": "city", "operator": "is", "other_attribute": "shoe"}, "no attribute “shoe”"),
        ({"attribute": "city", "operator": "is", "other_attribute": None}, "Choose an attribute"),
        ({"attribute": "city", "operator": "is", "other_attribute": "points"}, "has another type"),
        ({"attribute": "city", "operator": "any_of", "other_attribute": "city"}, "needs a value instead"),
        ("city", "a condition or a group"),
        ({"rules": "city"}, "must be a list"),
    ],
)
def test_it_says_what_is_wrong_with_each_condition(condition: Any, words: str) -> None:
    good = {"attribute": "newsletter", "operator": "is_yes"}
    (problem,) = rules_tree.problems({"join": "and", "rules": [good, condition]}, ATTRIBUTE_TYPES, segments=[7])
    assert words in problem.message
    assert problem.path == (1,)


def test_it_points_at_the_condition_inside_its_group() -> None:
    tree = {"rules": [{"rules": [{"attribute": "city", "operator": "has_value"}, {"attribute": "shoe"}]}]}
    assert [problem.path for problem in rules_tree.problems(tree, ATTRIBUTE_TYPES)] == [(0, 1)]


def test_it_refuses_groups_without_end() -> None:
    tree: dict[str, Any] = {"rules": []}
    for _ in range(20):
        tree = {"rules": [tree]}
    assert "too deeply" in rules_tree.problems(tree, ATTRIBUTE_TYPES)[0].message


def test_it_refuses_conditions_without_end() -> None:
    tree = {"rules": [{"attribute": "city", "operator": "has_value"}] * 201}
    assert "at most 200" in rules_tree.problems(tree, ATTRIBUTE_TYPES)[0].message


@pytest.mark.parametrize("operator", ["is", "any_of"])
def test_a_value_that_is_too_long_is_refused(operator: str) -> None:
    value = "x" * (MAX_VALUE_LENGTH + 1)
    tree = {
        "rules": [{"attribute": "city", "operator": operator, "value": [value] if operator == "any_of" else value}]
    }
    assert [problem.message for problem in rules_tree.problems(tree, ATTRIBUTE_TYPES)] == [
        "Enter at most 500 characters."
    ]


CITY_IS = {"attribute": "city", "operator": "is", "value": "Turku"}
POINTS_OVER = {"attribute": "points", "operator": ">", "value": 5}


MOMENT = datetime(2024, 3, 10, tzinfo=UTC)


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**64))
def test_it_knows_whether_a_profile_without_values_may_match(seed: int) -> None:
    tree = random_rules.Example(random.Random(seed)).tree()
    none, one = frozenset[int](), frozenset([0])
    found = {
        Evaluator(random_rules.TYPES, MOMENT, ZONES[0], {1: first, 2: second}).matches(tree, {"id": 0})
        for first in (none, one)
        for second in (none, one)
    }
    names_segments = any("segment" in condition for condition in rules_tree.conditions(tree))
    assert rules_tree.matches_without_values(tree) or True not in found
    assert names_segments or found == {rules_tree.matches_without_values(tree)}


@pytest.mark.parametrize(
    ("tree", "columns", "expected"),
    [
        ({"rules": [CITY_IS]}, ["email", "city"], True),
        ({"rules": [CITY_IS]}, ["email", "points"], False),
        ({"join": "and", "rules": [CITY_IS, POINTS_OVER]}, ["points"], True),
        ({"rules": [{"attribute": "city", "operator": "is_not", "value": "Turku"}]}, ["email"], True),
        ({}, ["email"], True),
        ({"rules": [CITY_IS]}, [], True),
        ({"rules": [{"attribute": "city", "operator": "is", "other_attribute": "town"}]}, ["town"], True),
        ({"rules": [{"segment": 1, "operator": "member"}]}, ["email"], True),
        ({"join": "except", "rules": [CITY_IS, {"rules": []}]}, ["email"], False),
        ({"join": "except", "rules": [{"rules": []}, CITY_IS]}, ["email"], True),
    ],
    ids=[
        "its attribute",
        "another attribute",
        "one of two",
        "a negation",
        "everyone",
        "nothing known",
        "the other attribute",
        "another segment",
        "except of some",
        "except of everyone",
    ],
)
def test_it_knows_whether_a_source_may_provide_members(
    tree: dict[str, Any], columns: list[str], expected: bool
) -> None:
    assert rules_tree.can_match_source(tree, columns) is expected

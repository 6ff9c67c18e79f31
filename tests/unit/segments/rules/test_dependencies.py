"""Which data sources a segment is drawn from."""

from typing import Any

import pytest
from hypothesis import given, settings

from segments.rules import tree as rules_tree
from tests.unit.segments.rules.test_tree import matches, some_trees

CITY_IS = {"attribute": "city", "operator": "is", "value": "Turku"}
POINTS_OVER = {"attribute": "points", "operator": ">", "value": 5}


@settings(deadline=None, max_examples=200)
@given(tree=some_trees)
def test_it_knows_whether_a_stranger_fits(tree: dict[str, Any]) -> None:
    assert rules_tree.matches_without_values(tree) == matches(tree, {})


@pytest.mark.parametrize(
    ("tree", "columns", "expected"),
    [
        ({"rules": [CITY_IS]}, ["email", "city"], True),
        ({"rules": [CITY_IS]}, ["email", "points"], False),
        ({"join": "and", "rules": [CITY_IS, POINTS_OVER]}, ["points"], True),
        ({"rules": [{"attribute": "city", "operator": "is_not", "value": "Turku"}]}, ["email"], True),
        ({}, ["email"], True),
        ({"rules": [CITY_IS]}, [], True),
    ],
    ids=["its attribute", "another attribute", "one of two", "a negation", "everyone", "nothing known"],
)
def test_a_segment_is_drawn_from_whoever_may_give_it_people(
    tree: dict[str, Any], columns: list[str], expected: bool
) -> None:
    assert rules_tree.can_match_source(tree, columns) is expected

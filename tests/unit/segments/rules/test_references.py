"""Segments that refer to other segments."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.rules.references import (
    CircularSegments,
    describe_circle,
    find_circle,
    refresh_order,
    segments_in,
    users_of,
)


def referring(*segments: int) -> dict[str, Any]:
    """Rules that refer to segments, one of them inside a group."""
    members = [{"segment": segment, "operator": "member"} for segment in segments]
    return {"join": "except", "rules": [{"attribute": "city", "operator": "has_value"}, {"rules": members}]}


def test_segments_are_found_in_groups() -> None:
    assert segments_in(referring(3, 1)) == {1, 3}
    assert segments_in({}) == frozenset()


def test_users_are_those_whose_rules_refer_to_a_segment() -> None:
    assert users_of(1, {1: referring(), 2: referring(1), 3: referring(2), 4: referring(1, 2)}) == [2, 4]


def test_a_segment_is_refreshed_after_those_that_it_refers_to() -> None:
    trees = {1: referring(3), 2: referring(), 3: referring(4), 4: referring(9)}
    assert refresh_order(trees) == [2, 4, 3, 1]


@pytest.mark.parametrize(
    ("trees", "first", "path"),
    [
        ({1: referring(2), 2: referring()}, None, ()),
        ({1: referring(1)}, None, (1, 1)),
        ({1: referring(2), 2: referring(1)}, None, (1, 2, 1)),
        ({1: referring(2), 2: referring(3), 3: referring(1), 4: referring(1)}, 3, (3, 1, 2, 3)),
        ({1: referring(2), 2: referring(1), 4: referring(1)}, 4, (1, 2, 1)),
    ],
    ids=["none", "itself", "two", "three, from the one that is saved", "outside of it"],
)
def test_a_circle_is_found_with_its_path(
    trees: dict[int, dict[str, Any]], first: int | None, path: tuple[int, ...]
) -> None:
    assert find_circle(trees, first) == path


def test_a_circle_has_no_order() -> None:
    with pytest.raises(CircularSegments, match="1 → 2 → 1") as caught:
        refresh_order({1: referring(2), 2: referring(1)})
    assert caught.value.path == (1, 2, 1)


def test_a_circle_is_described_by_names() -> None:
    assert describe_circle((1, 2, 1), {1: "A", 2: "B"}) == "A segment cannot depend on its own members: A → B → A."


@given(st.dictionaries(st.integers(0, 6), st.sets(st.integers(0, 6), max_size=3), max_size=7))
def test_there_is_an_order_or_a_circle(references: dict[int, set[int]]) -> None:
    trees = {segment: referring(*others) for segment, others in references.items()}
    if path := find_circle(trees):
        assert path[0] == path[-1]
        assert all(second in references[one] for one, second in pairwise(path))
        return
    order = refresh_order(trees)
    assert sorted(order) == sorted(references)
    places = {segment: place for place, segment in enumerate(order)}
    assert all(places[other] < places[one] for one in order for other in references[one] if other in places)

"""Move rules in their tree."""

import copy
from typing import Any

import pytest

from segments.rules.rearrange import move
from segments.rules.tree import MAX_DEPTH, size_of_group


def rule(name: str) -> dict[str, Any]:
    return {"attribute": name}


def group(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"join": "and", "rules": list(rules)}


def written(tree: dict[str, Any]) -> str:
    """Write a tree as its attributes, with brackets around groups."""
    return "".join(f"({written(each)})" if "rules" in each else each["attribute"] for each in tree["rules"])


def example() -> dict[str, Any]:
    """Return a(bc(d))e."""
    return group(rule("a"), group(rule("b"), rule("c"), group(rule("d"))), rule("e"))


@pytest.mark.parametrize(
    ("action", "expected", "path"),
    [
        ("up:1", "(bc(d))ae", "0"),
        ("down:0", "(bc(d))ae", "1"),
        ("down:1.0", "a(cb(d))e", "1.1"),
        ("up:1.0", "ab(c(d))e", "1"),
        ("down:1.2", "a(bc)(d)e", "2"),
        ("down:1.2.0", "a(bc()d)e", "1.3"),
        ("into:0", "(abc(d))e", "0.0"),
        ("into:2", "a(bc(d)e)", "1.3"),
        ("into:1.1", "a(b(cd))e", "1.1.0"),
        ("move:2>0", "ea(bc(d))", "0"),
        ("move:0>3", "(bc(d))ea", "2"),
        ("move:0>2", "(bc(d))ae", "1"),
        ("move:1.2.0>0", "da(bc())e", "0"),
        ("move:2>1.2.1", "a(bc(de))", "1.2.1"),
        ("move:1.2>3", "a(bc)e(d)", "3"),
    ],
)
def test_a_rule_is_moved(action: str, expected: str, path: str) -> None:
    tree = example()
    assert move(tree, action) == path
    assert written(tree) == expected


@pytest.mark.parametrize(
    "action",
    [
        "up:0",
        "down:2",
        "into:1",
        "into:1.0",
        "move:0>0",
        "move:0>1",
        "move:1>1.0",
        "move:1>1.2.0",
        "move:1.2>1.2.1",
        "move:0>9",
        "move:0>0.0",
        "move:0>",
        "move:0>x",
        "move:9>0",
        "move:3>0",
        "up:",
        "up:x.y",
        "remove:0",
        "nonsense",
        "",
    ],
)
def test_other_actions_move_nothing(action: str) -> None:
    tree = example()
    assert move(tree, action) is None
    assert tree == example()


def test_equal_groups_are_told_apart() -> None:
    tree = group(group(rule("a")), group(rule("a")))
    assert move(tree, "move:0.0>1.0") == "1.0"
    assert written(tree) == "()(aa)"


def test_groups_are_not_nested_too_deeply() -> None:
    deepest = group()
    for _level in range(MAX_DEPTH - 2):
        deepest = group(deepest)
    tree = group(rule("a"), deepest, group(rule("b")))
    before = copy.deepcopy(tree)
    assert move(tree, f"move:2>{'.'.join(['1'] + ['0'] * (MAX_DEPTH - 1))}") is None
    assert tree == before
    assert move(tree, f"move:0>{'.'.join(['1'] + ['0'] * (MAX_DEPTH - 2))}") is not None


def test_the_size_of_a_group_is_known_by_its_path() -> None:
    assert [size_of_group(example(), path) for path in ("", "1", "1.2")] == [3, 3, 1]

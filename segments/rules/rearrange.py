"""Move the rules of a tree: past the rule beside it, into a group, out of one, or to any place. Pure.

The actions are those of the builder: ``up:1.0`` and ``down:1.0`` move a rule past the one above or below, and
out of its group at the ends; ``into:1`` moves it into the group beside it, the one above first; ``move:1.0>2``
moves it to the place before rule ``2``, as the rules were numbered before.
"""

from collections.abc import Callable, Mapping
from typing import Any

from segments.rules.tree import MAX_DEPTH

Tree = dict[str, Any]
_Place = tuple[Tree, int]  # a group, and the position in it


def move(tree: Tree, action: str) -> str | None:
    """Move a rule by an action. Returns its new path, such as ``1.0``; None when nothing is moved: for another
    action, at the end of the rules, into the rule itself, or when groups would be nested too deeply."""
    what, _colon, argument = action.partition(":")
    path, _sign, target = argument.partition(">")
    source = _find(tree, path)
    if what not in _TARGETS or source is None or source[1] >= len(source[0]["rules"]):
        return None
    to = _find(tree, target) if what == "move" else _TARGETS[what](tree, path, *source)
    return None if to is None else _put(tree, source, to)


def _put(tree: Tree, source: _Place, to: _Place) -> str | None:
    (group, number), (new_group, place) = source, to
    rule = group["rules"][number]
    if _holds(rule, new_group) or (new_group is group and place in (number, number + 1)):
        return None
    if new_group is group and place > number:
        place -= 1
    del group["rules"][number]
    new_group["rules"].insert(place, rule)
    if _depth(tree) > MAX_DEPTH:
        del new_group["rules"][place]
        group["rules"].insert(number, rule)
        return None
    return _path_of(tree, rule)


def _up(tree: Tree, path: str, group: Tree, number: int) -> _Place | None:
    return (group, number - 1) if number else _find(tree, path.rpartition(".")[0])


def _down(tree: Tree, path: str, group: Tree, number: int) -> _Place | None:
    if number + 1 < len(group["rules"]):
        return group, number + 2
    outer = _find(tree, path.rpartition(".")[0])
    return (outer[0], outer[1] + 1) if outer else None


def _into(_tree: Tree, _path: str, group: Tree, number: int) -> _Place | None:
    rules = group["rules"]
    if number and "rules" in rules[number - 1]:
        return rules[number - 1], len(rules[number - 1]["rules"])
    if number + 1 < len(rules) and "rules" in rules[number + 1]:
        return rules[number + 1], 0
    return None


_TARGETS: Mapping[str, Callable[[Tree, str, Tree, int], _Place | None]] = {
    "up": _up,
    "down": _down,
    "into": _into,
    "move": lambda *_place: None,
}


def _find(tree: Tree, path: str) -> _Place | None:
    """Return the group of a path and the position in it, at most behind its last rule; None without such a
    place."""
    *outer, last = path.split(".")
    group: Tree | None = tree
    for part in outer:
        inside = group["rules"] if group and "rules" in group else []
        group = inside[int(part)] if _is_number(part) and int(part) < len(inside) else None
    if group is None or "rules" not in group or not _is_number(last) or int(last) > len(group["rules"]):
        return None
    return group, int(last)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6


def _holds(rule: Tree, group: Tree) -> bool:
    """Say whether a group is a rule, or inside it."""
    return rule is group or any(_holds(each, group) for each in rule.get("rules", []))


def _depth(tree: Tree) -> int:
    """Return how deeply groups are nested; 1 without inner groups."""
    return 1 + max((_depth(each) for each in tree["rules"] if "rules" in each), default=0)


def _path_of(tree: Tree, rule: Tree) -> str | None:
    for number, each in enumerate(tree["rules"]):
        if each is rule:
            return str(number)
        if "rules" in each and (inside := _path_of(each, rule)) is not None:
            return f"{number}.{inside}"
    return None

"""Read rules from the controls of the builder, and change them by its buttons.

Every rule posts its path as ``row``, in the order of the page: ``0``, or ``1.0`` inside the group ``1``, to any
depth. Groups are named in ``group`` as well and have ``join-<path>``; the outermost is ``root``. A condition has
``attribute-<path>``, ``operator-<path>``, ``value-<path>`` (several for pairs and choices),
``ignore_case-<path>``, and ``against-<path>=attribute`` with ``other-<path>`` when it compares with another
attribute. A condition about another segment has ``segment-<path>`` and ``operator-<path>``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import QueryDict

from segments.models import AttributeType
from segments.rules.operators import MEMBERSHIP, OPERATORS, find
from segments.rules.tree import JOINS, MAX_DEPTH
from segments.rules.values import TODAY, Takes, Unit

Tree = dict[str, Any]
ROOT = "root"
_MAX_ROWS = 300


def from_post(data: QueryDict, types: Mapping[str, AttributeType]) -> Tree:
    """Read the rules from posted controls, complete or not."""
    groups: dict[str, Tree] = {"": _group(data, ROOT)}
    posted_groups = set(data.getlist("group"))
    for path in data.getlist("row")[:_MAX_ROWS]:
        parent, _dot, _number = path.rpartition(".")
        into = groups.get(parent)
        if into is None or path.count(".") >= MAX_DEPTH:
            continue
        if path in posted_groups:
            groups[path] = _group(data, path)
            into["rules"].append(groups[path])
        elif f"segment-{path}" in data:
            into["rules"].append(_membership(data, path))
        else:
            into["rules"].append(_condition(data, path, types))
    return groups[""]


def from_json(text: str) -> Tree | None:
    """Read the rules that the page kept as JSON, to undo a change; None for what is no tree of rules."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if _is_tree(found, 0) else None


def apply_action(tree: Tree, action: str) -> Tree:
    """Change the rules by a button: ``add:1``, ``add-segment:1`` and ``group:1`` append to a group (or ``root``),
    ``remove:1.0`` removes a rule. Other actions change nothing; rearrange.py moves rules."""
    what, _colon, path = action.partition(":")
    if what in _ADDED:
        into = tree if path in ("", ROOT) else _at(tree, path)
        if into is not None and "rules" in into:
            into["rules"].append(_ADDED[what](into))
    elif what == "remove":
        parent, number = _place(tree, path)
        if parent is not None:
            del parent["rules"][number]
    return tree


def without_empty_groups(tree: Tree) -> Tree:
    """Return the rules without empty groups, as they are stored."""
    rules = []
    for rule in tree["rules"]:
        if "rules" not in rule:
            rules.append(rule)
        elif (inner := without_empty_groups(rule))["rules"]:
            rules.append(inner)
    return {"join": tree["join"], "rules": rules}


def _is_tree(found: object, depth: int) -> bool:
    """Say whether a value has the form of a group of rules; its conditions are checked later."""
    if not isinstance(found, dict) or found.get("join") not in JOINS or depth > MAX_DEPTH:
        return False
    rules = found.get("rules")
    if not isinstance(rules, list) or len(rules) > _MAX_ROWS:
        return False
    return all(isinstance(rule, dict) and ("rules" not in rule or _is_tree(rule, depth + 1)) for rule in rules)


def _group(data: QueryDict, path: str) -> Tree:
    join = data.get(f"join-{path}")
    return {"join": join if join in JOINS else "and", "rules": []}


def _membership(data: QueryDict, path: str) -> Tree:
    posted, operator = data.get(f"segment-{path}", ""), data.get(f"operator-{path}", "")
    segment = int(posted) if posted.isascii() and posted.isdecimal() and len(posted) < 18 else ""
    return {"segment": segment, "operator": operator if operator in MEMBERSHIP else "member"}


def _condition(data: QueryDict, path: str, types: Mapping[str, AttributeType]) -> Tree:
    attribute = data.get(f"attribute-{path}", "")
    data_type = types.get(attribute)
    if data_type is None:  # an attribute that is no longer there stays, with its problem
        return {"attribute": attribute} if attribute else {}
    posted = data.get(f"operator-{path}", "")
    operator = find(data_type, posted) or OPERATORS[data_type][0]
    condition: Tree = {"attribute": attribute, "operator": operator.key}
    if operator.takes == Takes.ONE and data.get(f"against-{path}") == "attribute":
        condition["other_attribute"] = data.get(f"other-{path}", "")
    elif operator.takes != Takes.NOTHING:
        values = [value.strip("\r\n") for value in data.getlist(f"value-{path}")]
        condition["value"] = _VALUES.get(operator.takes, _first)(values)
    # Ignore case is the default for a condition whose attribute has just been chosen.
    if data_type == AttributeType.TEXT and (data.get(f"ignore_case-{path}") or not posted):
        condition["ignore_case"] = True
    return condition


def _first(values: Sequence[str]) -> str:
    return values[0] if values else ""


def _pair(values: Sequence[str]) -> list[str]:
    return [*values, "", ""][:2]


def _lines(values: Sequence[str]) -> list[str]:
    lines = [line.strip() for value in values for line in value.splitlines()]
    return list(dict.fromkeys(line for line in lines if line))


def _period(values: Sequence[str]) -> list[str]:
    count, unit = _pair(values)
    return [count, unit or Unit.DAYS.value]


def _day(values: Sequence[str]) -> str:
    which, day = _pair(values)
    return TODAY if which == TODAY else day


_VALUES: Mapping[Takes, Callable[[Sequence[str]], Any]] = {
    Takes.TWO: _pair,
    Takes.MANY: _lines,
    Takes.PERIOD: _period,
    Takes.DAY: _day,
}


def _other_join(tree: Tree) -> Tree:
    return {"join": "or" if tree["join"] in ("and", "intersect") else "and", "rules": [{}]}


_ADDED: Mapping[str, Callable[[Tree], Tree]] = {
    "add": lambda _into: {},
    "add-segment": lambda _into: {"segment": "", "operator": "member"},
    "group": _other_join,
}


def _place(tree: Tree, path: str) -> tuple[Tree | None, int]:
    """Return the group that holds the rule at a path, and its position there; None without such a rule."""
    head, _dot, tail = path.rpartition(".")
    parent = _at(tree, head) if head else tree
    is_there = parent is not None and tail.isdecimal() and int(tail) < len(parent.get("rules", []))
    return (parent, int(tail)) if is_there else (None, 0)


def _at(tree: Tree, path: str) -> Tree | None:
    """Return the rule at a path, or None."""
    found: Tree | None = tree
    for part in path.split("."):
        inside = found.get("rules", []) if found else []
        found = inside[int(part)] if part.isdecimal() and int(part) < len(inside) else None
    return found

"""Rules as a form: from the tree to rows of controls, from posted controls to the tree, and what its buttons do.

A condition at the place ``0`` or, inside the group ``1``, at ``1.0`` posts ``row=1.0`` and the fields
``attribute-1.0``, ``operator-1.0``, ``value-1.0`` (several for pairs and choices) and ``ignore_case-1.0``; a group
posts ``row=1``, ``group=1`` and ``join-1``; the whole posts ``join-root``. One level of groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise

from segments.catalog import Attribute, common_values
from segments.models import AttributeType
from segments.rules import describe
from segments.rules import tree as rules_tree
from segments.rules.operators import OPERATORS, Operator, Takes, find

Tree = dict[str, Any]
ROOT = "root"
_MOST_ROWS = 300


@dataclass
class Row:
    """One condition as the editor shows it."""

    place: str
    attribute: str
    data_type: AttributeType | None
    operators: Sequence[Operator]
    operator: Operator | None
    values: list[str]
    ignore_case: bool
    suggestions: list[str]
    error: str = ""

    @property
    def dom(self) -> str:
        """The place as part of an element's id."""
        return self.place.replace(".", "-")

    @property
    def takes(self) -> str:
        return self.operator.takes.value if self.operator else ""

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def second_value(self) -> str:
        return self.values[1] if len(self.values) > 1 else ""

    @property
    def lines(self) -> str:
        return "\n".join(self.values)

    @property
    def choices(self) -> list[tuple[str, bool]]:
        """What may be ticked, and whether it is; what is ticked comes first."""
        others = [value for value in self.suggestions if value not in self.values]
        return [(value, True) for value in self.values] + [(value, False) for value in others]

    @property
    def shows_case(self) -> bool:
        text = self.data_type == AttributeType.TEXT
        return text and self.takes in (Takes.ONE, Takes.MANY)


@dataclass
class Group:
    """Rows that are joined by one word; in the outermost one some entries are groups themselves."""

    place: str
    join: str
    entries: list["Row | Group"] = field(default_factory=list)
    error: str = ""

    @property
    def is_group(self) -> bool:
        return True


@dataclass
class Editor:
    """What the builder's template needs."""

    root: Group
    by_type: list[tuple[str | Promise, list[str]]]
    lists: dict[str, list[str]]
    sentence: str


def from_post(data: QueryDict, catalogue: Mapping[str, AttributeType]) -> Tree:
    """The tree that was posted, complete or not."""
    groups: dict[str, Tree] = {}
    root: Tree = {"join": _join(data.get("join-root")), "rules": []}
    for place in data.getlist("row")[:_MOST_ROWS]:
        head, _dot, tail = place.partition(".")
        if not tail and place in data.getlist("group"):
            groups[place] = {"join": _join(data.get(f"join-{place}")), "rules": []}
            root["rules"].append(groups[place])
        else:
            into = groups.get(head, root) if tail else root
            into["rules"].append(_condition(data, place, catalogue))
    return root


def act(tree: Tree, action: str) -> Tree:
    """The tree after a button: ``add:root``, ``add:1``, ``group``, ``remove:1.0``; others change nothing."""
    what, _colon, place = action.partition(":")
    if what == "group":
        tree["rules"].append({"join": "or" if tree["join"] == "and" else "and", "rules": [{}]})
    elif what == "add":
        into = tree if place == ROOT else _at(tree, place)
        if into is not None and "rules" in into:
            into["rules"].append({})
    elif what == "remove":
        _remove(tree, place)
    return tree


def without_blanks(tree: Tree) -> Tree:
    """The tree without groups that say nothing, as it is stored."""
    kept = []
    for rule in tree["rules"]:
        if "rules" not in rule:
            kept.append(rule)
        elif rule["rules"]:
            kept.append({"join": rule["join"], "rules": list(rule["rules"])})
    return {"join": tree["join"], "rules": kept}


def editor(
    tree: Mapping[str, Any], catalogue: Sequence[Attribute], problems: Sequence[rules_tree.Problem] = ()
) -> Editor:
    """The tree as controls, each with what is wrong with it."""
    types = {attribute.name: attribute.data_type for attribute in catalogue}
    used = {str(c.get("attribute")) for c in rules_tree.conditions(tree)}
    lists = {name: common_values(name) for name in sorted(used) if types.get(name) == AttributeType.TEXT}
    errors = {".".join(map(str, problem.path)): problem.message for problem in problems}
    root = Group(ROOT, _join(tree.get("join")), error=errors.get("", ""))
    for number, rule in enumerate(tree.get("rules", [])):
        place = str(number)
        if "rules" in rule:
            group = Group(place, _join(rule.get("join")), error=errors.get(place, ""))
            group.entries += [
                _row(inner, f"{place}.{at}", types, lists, errors) for at, inner in enumerate(rule["rules"])
            ]
            root.entries.append(group)
        else:
            root.entries.append(_row(rule, place, types, lists, errors))
    return Editor(root, _by_type(catalogue), {k: v for k, v in lists.items() if v}, describe.sentence(tree))


def is_editable(tree: Mapping[str, Any]) -> bool:
    """Whether the tree has no groups inside groups, which only a configuration file can make."""
    inner = [rule for rule in tree.get("rules", []) if "rules" in rule]
    return not any("rules" in rule for group in inner for rule in group["rules"])


def _condition(data: QueryDict, place: str, catalogue: Mapping[str, AttributeType]) -> Tree:
    attribute = data.get(f"attribute-{place}", "")
    data_type = catalogue.get(attribute)
    if data_type is None:
        return {}
    posted = data.get(f"operator-{place}", "")
    operator = find(data_type, posted) or OPERATORS[data_type][0]
    values = [value.strip("\r\n") for value in data.getlist(f"value-{place}")]
    condition: Tree = {"attribute": attribute, "operator": operator.key}
    if operator.takes == Takes.MANY:
        lines = [line.strip() for value in values for line in value.splitlines()]
        condition["value"] = list(dict.fromkeys(line for line in lines if line))
    elif operator.takes == Takes.TWO:
        condition["value"] = [*values, "", ""][:2]
    elif operator.takes != Takes.NOTHING:
        condition["value"] = values[0] if values else ""
    # Somebody who has just chosen an attribute rarely minds the case.
    if data_type == AttributeType.TEXT and (data.get(f"ignore_case-{place}") or not posted):
        condition["ignore_case"] = True
    return condition


def _row(
    condition: Mapping[str, Any],
    place: str,
    types: Mapping[str, AttributeType],
    lists: Mapping[str, list[str]],
    errors: Mapping[str, str],
) -> Row:
    attribute = str(condition.get("attribute") or "")
    data_type = types.get(attribute)
    operator = find(data_type, condition.get("operator")) if data_type else None
    value = condition.get("value")
    values = (
        [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)] if value is not None else []
    )
    return Row(
        place=place,
        attribute=attribute,
        data_type=data_type,
        operators=OPERATORS[data_type] if data_type else (),
        operator=operator,
        values=values,
        ignore_case=bool(condition.get("ignore_case")),
        suggestions=lists.get(attribute, []),
        error=errors.get(place, ""),
    )


def _by_type(catalogue: Sequence[Attribute]) -> list[tuple[str | Promise, list[str]]]:
    found = [(t.label, [a.name for a in catalogue if a.data_type == t]) for t in AttributeType]
    return [(label, names) for label, names in found if names]


def _join(word: object) -> str:
    return "or" if word == "or" else "and"


def _at(tree: Tree, place: str) -> Tree | None:
    """The rule at a place, or None when there is none."""
    found: Tree | None = tree
    for part in place.split("."):
        inside = found.get("rules", []) if found else []
        found = inside[int(part)] if part.isdecimal() and int(part) < len(inside) else None
    return found


def _remove(tree: Tree, place: str) -> None:
    head, _dot, tail = place.rpartition(".")
    parent = _at(tree, head) if head else tree
    if parent and tail.isdecimal() and int(tail) < len(parent.get("rules", [])):
        del parent["rules"][int(tail)]

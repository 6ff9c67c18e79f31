"""Edit rules as a form: build controls from the tree, read posted controls, and apply buttons.

A condition at the path ``0`` or, inside the group ``1``, at ``1.0`` posts ``row=1.0`` and the fields
``attribute-1.0``, ``operator-1.0``, ``value-1.0`` (several for pairs and choices) and ``ignore_case-1.0``; a group
posts ``row=1``, ``group=1`` and ``join-1``; the root posts ``join-root``. Groups have one level.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise

from segments.catalog import Attribute
from segments.models import AttributeType
from segments.rules import operators
from segments.rules import tree as rules_tree
from segments.rules.operators import Operator, find, operators_of_editor
from segments.rules.values import Takes

Tree = dict[str, Any]
ROOT = "root"
_MAX_ROWS = 300


@dataclass
class ConditionRow:
    """A condition with its controls."""

    path: str
    attribute: str
    data_type: AttributeType | None
    operators: Sequence[Operator]
    operator: Operator | None
    values: list[str]
    ignore_case: bool
    suggestions: list[str]
    error: str = ""

    @property
    def dom_id(self) -> str:
        """The path as part of an element ID."""
        return self.path.replace(".", "-")

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
        """The values to choose from, chosen ones first, each with whether it is chosen."""
        others = [value for value in self.suggestions if value not in self.values]
        return [(value, True) for value in self.values] + [(value, False) for value in others]

    @property
    def shows_case(self) -> bool:
        text = self.data_type == AttributeType.TEXT
        return text and self.takes in (Takes.ONE, Takes.MANY)


@dataclass
class ConditionGroup:
    """A group of rows with the word that joins them; the root group also contains groups."""

    path: str
    join: str
    entries: list["ConditionRow | ConditionGroup"] = field(default_factory=list)
    error: str = ""

    @property
    def is_group(self) -> bool:
        return True


@dataclass
class Editor:
    """The rule editor for its template."""

    root: ConditionGroup
    by_type: list[tuple[str | Promise, list[str]]]
    lists: dict[str, list[str]]
    sentence: str


def from_post(data: QueryDict, types: Mapping[str, AttributeType]) -> Tree:
    """Read the rules from posted controls, complete or not."""
    groups: dict[str, Tree] = {}
    root: Tree = {"join": _join(data.get("join-root")), "rules": []}
    for path in data.getlist("row")[:_MAX_ROWS]:
        head, _dot, tail = path.partition(".")
        if not tail and path in data.getlist("group"):
            groups[path] = {"join": _join(data.get(f"join-{path}")), "rules": []}
            root["rules"].append(groups[path])
        else:
            into = groups.get(head, root) if tail else root
            into["rules"].append(_condition(data, path, types))
    return root


def apply_action(tree: Tree, action: str) -> Tree:
    """Change the rules by a button: ``add:root``, ``add:1``, ``group``, ``remove:1.0``. Other actions change
    nothing."""
    what, _colon, path = action.partition(":")
    if what == "group":
        tree["rules"].append({"join": "or" if tree["join"] == "and" else "and", "rules": [{}]})
    elif what == "add":
        into = tree if path == ROOT else _at(tree, path)
        if into is not None and "rules" in into:
            into["rules"].append({})
    elif what == "remove":
        _remove(tree, path)
    return tree


def without_empty_groups(tree: Tree) -> Tree:
    """Return the rules without empty groups, as they are stored."""
    rules = []
    for rule in tree["rules"]:
        if "rules" not in rule:
            rules.append(rule)
        elif rule["rules"]:
            rules.append({"join": rule["join"], "rules": list(rule["rules"])})
    return {"join": tree["join"], "rules": rules}


def build_editor(
    tree: Mapping[str, Any],
    attributes: Sequence[Attribute],
    find_values: Callable[[Sequence[str]], Mapping[str, list[str]]],
    problems: Sequence[rules_tree.Problem] = (),
) -> Editor:
    """Build the controls for rules, each with its problem. ``find_values`` returns the values to choose from of
    text attributes by name."""
    types = {attribute.name: attribute.data_type for attribute in attributes}
    used = {str(c.get("attribute")) for c in rules_tree.conditions(tree)}
    lists = find_values([name for name in sorted(used) if types.get(name) == AttributeType.TEXT])
    errors = {".".join(map(str, problem.path)): problem.message for problem in problems}
    root = ConditionGroup(ROOT, _join(tree.get("join")), error=errors.get("", ""))
    for number, rule in enumerate(tree.get("rules", [])):
        path = str(number)
        if "rules" in rule:
            group = ConditionGroup(path, _join(rule.get("join")), error=errors.get(path, ""))
            group.entries += [
                _row(inner, f"{path}.{at}", types, lists, errors) for at, inner in enumerate(rule["rules"])
            ]
            root.entries.append(group)
        else:
            root.entries.append(_row(rule, path, types, lists, errors))
    return Editor(
        root, _by_type(attributes), {k: v for k, v in lists.items() if v}, operators.describe_rules(tree)
    )


def is_editable(tree: Mapping[str, Any]) -> bool:
    """Say whether the editor can show the rules: groups inside groups, sets of profiles, other segments and
    attributes, and some operators come only from configuration files."""
    inner = [rule for rule in tree.get("rules", []) if "rules" in rule]
    groups = [tree, *inner]
    return (
        not any("rules" in rule for group in inner for rule in group["rules"])
        and all(group.get("join", "and") in ("and", "or") for group in groups)
        and all(_is_shown(condition) for condition in rules_tree.conditions(tree))
    )


def _is_shown(condition: Mapping[str, Any]) -> bool:
    offered = {operator.key for data_type in AttributeType for operator in operators_of_editor(data_type)}
    known = condition.keys() <= {"attribute", "operator", "value", "ignore_case"}
    return known and ("operator" not in condition or condition["operator"] in offered)


def _condition(data: QueryDict, path: str, types: Mapping[str, AttributeType]) -> Tree:
    attribute = data.get(f"attribute-{path}", "")
    data_type = types.get(attribute)
    if data_type is None or not operators_of_editor(data_type):
        return {}
    posted = data.get(f"operator-{path}", "")
    offered = operators_of_editor(data_type)
    operator = next((found for found in offered if found.key == posted), offered[0])
    values = [value.strip("\r\n") for value in data.getlist(f"value-{path}")]
    condition: Tree = {"attribute": attribute, "operator": operator.key}
    if operator.takes == Takes.MANY:
        lines = [line.strip() for value in values for line in value.splitlines()]
        condition["value"] = list(dict.fromkeys(line for line in lines if line))
    elif operator.takes == Takes.TWO:
        condition["value"] = [*values, "", ""][:2]
    elif operator.takes != Takes.NOTHING:
        condition["value"] = values[0] if values else ""
    # Ignore case is the default for a condition whose attribute has just been chosen.
    if data_type == AttributeType.TEXT and (data.get(f"ignore_case-{path}") or not posted):
        condition["ignore_case"] = True
    return condition


def _row(
    condition: Mapping[str, Any],
    path: str,
    types: Mapping[str, AttributeType],
    lists: Mapping[str, list[str]],
    errors: Mapping[str, str],
) -> ConditionRow:
    attribute = str(condition.get("attribute") or "")
    data_type = types.get(attribute)
    operator = find(data_type, condition.get("operator")) if data_type else None
    value = condition.get("value")
    values = (
        [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)] if value is not None else []
    )
    return ConditionRow(
        path=path,
        attribute=attribute,
        data_type=data_type,
        operators=operators_of_editor(data_type) if data_type else (),
        operator=operator,
        values=values,
        ignore_case=bool(condition.get("ignore_case")),
        suggestions=lists.get(attribute, []),
        error=errors.get(path, ""),
    )


def _by_type(attributes: Sequence[Attribute]) -> list[tuple[str | Promise, list[str]]]:
    shown = [data_type for data_type in AttributeType if operators_of_editor(data_type)]
    found = [(t.label, [a.name for a in attributes if a.data_type == t]) for t in shown]
    return [(label, names) for label, names in found if names]


def _join(word: object) -> str:
    return "or" if word == "or" else "and"


def _at(tree: Tree, path: str) -> Tree | None:
    """Return the rule at a path, or None."""
    found: Tree | None = tree
    for part in path.split("."):
        inside = found.get("rules", []) if found else []
        found = inside[int(part)] if part.isdecimal() and int(part) < len(inside) else None
    return found


def _remove(tree: Tree, path: str) -> None:
    head, _dot, tail = path.rpartition(".")
    parent = _at(tree, head) if head else tree
    if parent and tail.isdecimal() and int(tail) < len(parent.get("rules", [])):
        del parent["rules"][int(tail)]

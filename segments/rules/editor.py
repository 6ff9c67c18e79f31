"""Build the controls of the builder for rules. posted_rules.py reads them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.dates import MONTHS
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from segments.catalog import Attribute, ValueCount
from segments.models import AttributeType
from segments.rules import tree as rules_tree
from segments.rules.operators import OPERATORS, Operator, find
from segments.rules.posted_rules import ROOT
from segments.rules.values import CURRENT_MONTH, TODAY, Takes, Unit

Label = str | Promise
Choice = tuple[str, Label, bool]  # value, label, whether it is chosen

_UNIT_LABELS: Mapping[Unit, Label] = {
    Unit.HOURS: _("hours"),
    Unit.DAYS: _("days"),
    Unit.WEEKS: _("weeks"),
    Unit.MONTHS: _("months"),
}
JOIN_LABELS: Mapping[str, Label] = {
    "and": _("all conditions (and)"),
    "or": _("any condition (or)"),
    "union": _("union of sets"),
    "intersect": _("intersection of sets"),
    "except": _("the first set, except the others"),
}
_JOIN_WORDS: Mapping[str, Label] = {
    "and": _("and"),
    "or": _("or"),
    "union": _("union"),
    "intersect": _("intersect"),
    "except": _("except"),
}


@dataclass
class Row:
    """A rule in the builder. ``can_move_up``, ``can_move_down`` and ``can_move_into`` (the group beside it) say
    whether its buttons do something."""

    path: str
    error: str = ""
    can_move_up: bool = False
    can_move_down: bool = False
    can_move_into: bool = False

    @property
    def dom_id(self) -> str:
        """The path as part of an element ID."""
        return self.path.replace(".", "-")


@dataclass
class ConditionRow(Row):
    """A condition with its controls. ``others`` are the attributes that it can be compared with."""

    attribute: str = ""
    data_type: AttributeType | None = None
    operator: Operator | None = None
    values: list[str] = field(default_factory=list)
    other_attribute: str | None = None
    others: Sequence[str] = ()
    ignore_case: bool = False
    suggestions: Sequence[ValueCount] = ()

    kind = "condition"

    @property
    def operators(self) -> Sequence[Operator]:
        return OPERATORS[self.data_type] if self.data_type else ()

    @property
    def takes(self) -> str:
        if self.operator is None:
            return ""
        return "attribute" if self.other_attribute is not None else self.operator.takes.value

    @property
    def can_take_attribute(self) -> bool:
        return bool(self.operator and self.operator.takes == Takes.ONE and self.others)

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
    def choices(self) -> list[tuple[str, int | None, bool]]:
        """The values to choose from, chosen ones first: value, number of profiles, whether it is chosen."""
        counts = {each.value: each.profiles for each in self.suggestions}
        chosen: list[tuple[str, int | None, bool]] = [(value, counts.get(value), True) for value in self.values]
        others = (each for each in self.suggestions if each.value not in self.values)
        return chosen + [(each.value, each.profiles, False) for each in others]

    @property
    def units(self) -> list[Choice]:
        """The units of a period; dates have no hours."""
        offered = [unit for unit in Unit if unit != Unit.HOURS or self.data_type == AttributeType.DATETIME]
        chosen = self.second_value or Unit.DAYS
        return [(unit.value, _UNIT_LABELS[unit], unit == chosen) for unit in offered]

    @property
    def months(self) -> list[Choice]:
        current: Choice = (CURRENT_MONTH, _("the current month"), self.value == CURRENT_MONTH)
        return [current, *((str(number), name, self.value == str(number)) for number, name in MONTHS.items())]

    @property
    def is_today(self) -> bool:
        return self.value == TODAY

    @property
    def shows_case(self) -> bool:
        return self.data_type == AttributeType.TEXT and self.takes in (Takes.ONE, Takes.MANY, "attribute")


@dataclass
class MembershipRow(Row):
    """A condition about another segment. ``segments`` are those to choose from."""

    segment: int | None = None
    operator: str = "member"
    segments: Sequence[tuple[int, str]] = ()

    kind = "membership"


@dataclass
class ConditionGroup(Row):
    """A group of rows with the word that joins them, to any depth."""

    join: str = "and"
    entries: list[Row] = field(default_factory=list)

    kind = "group"

    @property
    def is_root(self) -> bool:
        return self.path == ROOT

    @property
    def joins(self) -> list[Choice]:
        return [(key, label, key == self.join) for key, label in JOIN_LABELS.items()]

    @property
    def word(self) -> Label:
        """The word between two rows."""
        return _JOIN_WORDS[self.join]

    @property
    def can_nest(self) -> bool:
        """Whether a group inside would not be too deep."""
        return self.is_root or self.path.count(".") + 2 < rules_tree.MAX_DEPTH


@dataclass
class Editor:
    """The controls of all rules, for the template."""

    root: ConditionGroup
    by_type: list[tuple[Label, list[str]]]
    has_segments: bool


@dataclass(frozen=True)
class EditorData:
    """What the controls offer: attributes, the segments that rules may refer to (ID and name), and the values of
    text attributes by name."""

    attributes: Sequence[Attribute]
    segments: Sequence[tuple[int, str]]
    find_values: Callable[[Sequence[str]], Mapping[str, Sequence[ValueCount]]]


def build_editor(
    tree: Mapping[str, Any], offered: EditorData, problems: Sequence[rules_tree.Problem] = ()
) -> Editor:
    """Build the controls for rules, each with its problem."""
    types = {attribute.name: attribute.data_type for attribute in offered.attributes}
    used = {str(condition.get("attribute")) for condition in rules_tree.conditions(tree)}
    values = offered.find_values([name for name in sorted(used) if types.get(name) == AttributeType.TEXT])
    errors = {".".join(map(str, problem.path)) or ROOT: problem.message for problem in problems}
    root = _Builder(types, offered, values, errors).group(tree, ROOT)
    return Editor(root, _by_type(offered.attributes), bool(offered.segments))


@dataclass(frozen=True)
class _Builder:
    types: Mapping[str, AttributeType]
    offered: EditorData
    values: Mapping[str, Sequence[ValueCount]]
    errors: Mapping[str, str]

    def group(self, tree: Mapping[str, Any], path: str) -> ConditionGroup:
        join = str(tree.get("join"))
        group = ConditionGroup(path, self.errors.get(path, ""), join=join if join in JOIN_LABELS else "and")
        start = "" if path == ROOT else f"{path}."
        rules = rules_tree.rules_of(tree)
        group.entries = [self._row(rule, f"{start}{number}") for number, rule in enumerate(rules)]
        groups = [isinstance(entry, ConditionGroup) for entry in group.entries]
        for number, entry in enumerate(group.entries):
            entry.can_move_up = number > 0 or not group.is_root  # at its end, a rule leaves an inner group
            entry.can_move_down = number + 1 < len(rules) or not group.is_root
            entry.can_move_into = any(groups[max(number - 1, 0) : number] + groups[number + 1 : number + 2])
        return group

    def _row(self, rule: Mapping[str, Any], path: str) -> Row:
        if "rules" in rule:
            return self.group(rule, path)
        if "segment" in rule:
            segment = rule["segment"] if isinstance(rule["segment"], int) else None
            return MembershipRow(
                path,
                self.errors.get(path, ""),
                segment=segment,
                operator=str(rule.get("operator")),
                segments=self.offered.segments,
            )
        return self._condition(rule, path)

    def _condition(self, condition: Mapping[str, Any], path: str) -> ConditionRow:
        attribute = str(condition.get("attribute") or "")
        data_type = self.types.get(attribute)
        other = condition.get("other_attribute")
        return ConditionRow(
            path,
            self.errors.get(path, ""),
            attribute=attribute,
            data_type=data_type,
            operator=find(data_type, condition.get("operator")) if data_type else None,
            values=_texts(condition.get("value")),
            other_attribute=None if other is None else str(other),
            others=[name for name, kind in self.types.items() if kind == data_type and name != attribute],
            ignore_case=bool(condition.get("ignore_case")),
            suggestions=self.values.get(attribute, ()),
        )


def _texts(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return [] if value is None else [str(value)]


def _by_type(attributes: Sequence[Attribute]) -> list[tuple[Label, list[str]]]:
    found = [
        (data_type.label, [each.name for each in attributes if each.data_type == data_type])
        for data_type in AttributeType
    ]
    return [(label, names) for label, names in found if names]

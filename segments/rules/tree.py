"""Check the tree of conditions of a segment, and convert it to SQL. Pure.

The tree as it is stored::

    {"join": "and" | "or" | "union" | "intersect" | "except", "rules": [
        {"attribute": "country", "operator": "is", "value": "Finland", "ignore_case": true},
        {"attribute": "shipped_on", "operator": "after", "other_attribute": "promised_on"},
        {"segment": 7, "operator": "member" | "not_member"},
        {"join": "or", "rules": [ … ]},
    ]}

``value`` depends on the operator, see values.py, and is absent where it needs none; ``other_attribute`` replaces
it to compare with another attribute of the same type. Groups combine conditions with *and* and *or*, and sets of
profiles with *union*, *intersect* and *except*: as every profile is in a set or not, *union* matches as *or* and
*intersect* as *and*; *except* matches what its first rule matches and no other does. A group without conditions
has no effect, but as the first rule of *except* it is every profile; an empty tree matches every profile.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from segments.models import AttributeType
from segments.rules.operators import MATCH_WITHOUT_VALUE, MEMBERSHIP, find
from segments.rules.values import Takes, operand

Tree = Mapping[str, object]
AttributeTypes = Mapping[str, AttributeType]
Path = tuple[int, ...]

EVERYONE: Tree = {"join": "and", "rules": []}
JOINS = ("and", "or", "union", "intersect", "except")
MAX_DEPTH = 20
MAX_CONDITIONS = 200


@dataclass(frozen=True)
class Problem:
    """A problem of the rule at ``path``, the positions from the root down to the rule."""

    path: Path
    message: str


class InvalidRules(Exception):
    """Rules cannot be used; ``problems`` has a sentence for each condition."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = list(problems)


def problems(tree: Tree, types: AttributeTypes, segments: Collection[int] | None = None) -> list[Problem]:
    """Return every problem of the rules. ``segments`` are the IDs of the segments that rules may refer to; None
    leaves them unchecked."""
    found = list(_problems_of_group(tree, types, segments, ()))
    if not found and sum(1 for _condition in conditions(tree)) > MAX_CONDITIONS:
        found.append(Problem((), _("Use at most %(most)d conditions.") % {"most": MAX_CONDITIONS}))
    return found


def check(tree: Tree, types: AttributeTypes) -> None:
    """Raise InvalidRules when the rules have a problem."""
    if found := problems(tree, types):
        raise InvalidRules(found)


def conditions(tree: Tree) -> Iterator[Tree]:
    """Iterate over every condition in all groups, from left to right."""
    for rule in rules_of(tree):
        if _is_group(rule):
            yield from conditions(rule)
        else:
            yield rule


def paths(tree: Tree, here: Path = ()) -> Iterator[Path]:
    """Iterate over the paths of all conditions and groups, from left to right."""
    for number, rule in enumerate(rules_of(tree)):
        yield (*here, number)
        if _is_group(rule):
            yield from paths(rule, (*here, number))


def rename_attribute(tree: Tree, before: str, after: str) -> Tree:
    """Return rules that name the attribute ``before``, in any case, as ``after``."""
    renamed: dict[str, object] = dict(tree)
    for key in ("attribute", "other_attribute"):
        if str(tree.get(key) or "").casefold() == before.casefold():
            renamed[key] = after
    if _is_group(tree):
        renamed["rules"] = [rename_attribute(rule, before, after) for rule in rules_of(tree)]
    return renamed


def size_of_group(tree: Tree, path: str) -> int:
    """Return how many rules the group at a path such as ``1.0`` has; of the outermost for an empty one."""
    for number in path.split(".") if path else ():
        tree = rules_of(tree)[int(number)]
    return len(rules_of(tree))


def complete_part(tree: Tree, found: Sequence[Problem]) -> Tree:
    """Return rules in which every condition with a problem has no effect; paths stay the same."""
    return _without(tree, {problem.path for problem in found}, ())


def _without(tree: Tree, paths: Collection[Path], here: Path) -> Tree:
    rules = [
        EVERYONE if (at := (*here, number)) in paths else _without(rule, paths, at) if _is_group(rule) else rule
        for number, rule in enumerate(rules_of(tree))
    ]
    return {**tree, "rules": rules}


def rules_of(tree: Tree) -> list[Tree]:
    """Return the conditions and groups of a group."""
    rules = tree.get("rules", [])
    return [rule for rule in rules if isinstance(rule, Mapping)] if isinstance(rules, Sequence) else []


def _is_group(rule: Tree) -> bool:
    return "rules" in rule


def _problems_of_group(
    tree: Tree, types: AttributeTypes, segments: Collection[int] | None, path: Path
) -> Iterator[Problem]:
    rules = tree.get("rules", [])
    if tree.get("join", "and") not in JOINS:
        yield Problem(
            path,
            _("Join conditions with “and” or “or”, and sets of customers with “union”, “intersect” or “except”."),
        )
    if len(path) >= MAX_DEPTH:
        yield Problem(path, _("Groups are nested too deeply."))
        return
    if not isinstance(rules, list | tuple):
        yield Problem(path, _("The rules of a group must be a list."))
        return
    for number, rule in enumerate(rules):
        here = (*path, number)
        if not isinstance(rule, Mapping):
            yield Problem(here, _("A rule must be a condition or a group."))
        elif _is_group(rule):
            yield from _problems_of_group(rule, types, segments, here)
        elif message := (
            _problem_of_membership(rule, segments) if "segment" in rule else _problem_of_condition(rule, types)
        ):
            yield Problem(here, message)


def _problem_of_condition(condition: Tree, types: AttributeTypes) -> str:
    attribute = condition.get("attribute")
    if not attribute or not isinstance(attribute, str):
        return _("Choose an attribute.")
    data_type = types.get(attribute)
    if data_type is None:
        return _("There is no attribute “%(name)s”.") % {"name": attribute}
    operator = find(data_type, condition.get("operator"))
    if operator is None:
        return _("Choose a comparison for “%(name)s”.") % {"name": attribute}
    if "other_attribute" in condition:
        return _problem_of_other_attribute(condition, types, data_type, operator.takes)
    return _problem_of_value(condition, data_type, operator.takes)


def _problem_of_value(condition: Tree, data_type: AttributeType, takes: Takes) -> str:
    try:
        operand(condition, data_type, takes)
    except ValueError as error:
        return str(error)
    return ""


def _problem_of_membership(condition: Tree, segments: Collection[int] | None) -> str:
    segment = condition["segment"]
    if isinstance(segment, bool) or not isinstance(segment, int):
        return _("Choose a segment.")
    if segments is not None and segment not in segments:
        return _("There is no segment with the ID %(id)d.") % {"id": segment}
    return "" if condition.get("operator") in MEMBERSHIP else _("Choose “member” or “not member”.")


def _problem_of_other_attribute(
    condition: Tree, types: AttributeTypes, data_type: AttributeType, takes: Takes
) -> str:
    other = condition["other_attribute"]
    if not other or not isinstance(other, str):
        return _("Choose an attribute.")
    if other not in types:
        return _("There is no attribute “%(name)s”.") % {"name": other}
    if takes != Takes.ONE:
        return _("This comparison needs a value instead of an attribute.")
    if types[other] != data_type:
        return _("“%(name)s” has another type and cannot be compared with “%(attribute)s”.") % {
            "name": other,
            "attribute": condition["attribute"],
        }
    return ""


def can_match_source(tree: Tree, columns: Collection[str]) -> bool:
    """Say whether profiles of a data source with these attributes may match the rules. An empty ``columns``
    means unknown, and they may."""
    used = {str(condition.get(key)) for condition in conditions(tree) for key in ("attribute", "other_attribute")}
    return not columns or not used.isdisjoint(columns) or matches_without_values(tree)


def matches_without_values(tree: Tree) -> bool:
    """Say whether a profile without any value matches the rules, or may: it may be in other segments."""
    matches = _matches_of_group(tree)
    return matches is None or matches.may


@dataclass(frozen=True)
class _Matches:
    """Whether a profile matches for sure, and whether it may."""

    must: bool
    may: bool


def _matches_of_group(tree: Tree) -> _Matches | None:
    """Evaluate a group for a profile without values; None for a group without conditions."""
    parts = [_matches_of_rule(rule) for rule in rules_of(tree)]
    known = [part for part in parts if part is not None]
    if not known:
        return None
    if tree.get("join") in ("or", "union"):
        return _Matches(any(part.must for part in known), any(part.may for part in known))
    if tree.get("join") == "except":
        first, others = parts[0] or _Matches(True, True), [part for part in parts[1:] if part is not None]
        return _Matches(
            first.must and not any(part.may for part in others),
            first.may and not any(part.must for part in others),
        )
    return _Matches(all(part.must for part in known), all(part.may for part in known))


def _matches_of_rule(rule: Tree) -> _Matches | None:
    if _is_group(rule):
        return _matches_of_group(rule)
    if "segment" in rule:
        return _Matches(must=False, may=True)
    matches = rule.get("operator") in MATCH_WITHOUT_VALUE
    return _Matches(matches, matches)

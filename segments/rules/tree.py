"""Check the tree of conditions of a segment, and convert it to SQL. Pure.

The tree as it is stored::

    {"join": "and" | "or", "rules": [
        {"attribute": "country", "operator": "is", "value": "Finland", "ignore_case": true},
        {"join": "or", "rules": [ … ]},
    ]}

``value`` is a text; a list of texts for *any of*; a pair for *between*; a number of days for *within the last*;
absent where the operator needs none. Numbers may be numbers or digits in a text, dates are “YYYY-MM-DD”. An empty
group has no effect; an empty tree matches every profile.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from segments.models import AttributeType
from segments.rules.operators import MATCH_WITHOUT_VALUE, Operand, Operator, Sql, Takes, find

Tree = Mapping[str, object]
AttributeTypes = Mapping[str, AttributeType]
Path = tuple[int, ...]

EVERYONE: Tree = {"join": "and", "rules": []}
MAX_DEPTH = 5
MAX_CONDITIONS = 200
MAX_CHOICES = 500
MAX_DAYS = 36_525
MAX_VALUE_LENGTH = 500


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


def problems(tree: Tree, types: AttributeTypes) -> list[Problem]:
    """Return every problem of the rules."""
    found = list(_problems_of_group(tree, types, ()))
    if not found and sum(1 for _condition in conditions(tree)) > MAX_CONDITIONS:
        found.append(Problem((), _("Use at most %(most)d conditions.") % {"most": MAX_CONDITIONS}))
    return found


def check(tree: Tree, types: AttributeTypes) -> None:
    """Raise InvalidRules when the rules have a problem."""
    if found := problems(tree, types):
        raise InvalidRules(found)


def where_sql(tree: Tree, types: AttributeTypes, *, today: date) -> Sql:
    """Return an SQL condition over the column ``attributes`` and its parameters. Raises InvalidRules."""
    check(tree, types)
    return _sql_of_group(tree, types, today) or ("TRUE", [])


def conditions(tree: Tree) -> Iterator[Tree]:
    """Iterate over every condition in all groups, from left to right."""
    for rule in rules_of(tree):
        if _is_group(rule):
            yield from conditions(rule)
        else:
            yield rule


def operand(condition: Tree, data_type: AttributeType, operator: Operator) -> Operand:
    """Convert the value of a condition for its operator. Raises ValueError with a sentence for users."""
    value = condition.get("value")
    if operator.takes == Takes.NOTHING:
        return None
    if operator.takes == Takes.DAYS:
        return _days(value)
    if operator.takes == Takes.MANY:
        return _choices(value)
    if operator.takes == Takes.TWO:
        return _pair(value, data_type)
    return _one(value, data_type)


def rules_of(tree: Tree) -> list[Tree]:
    """Return the conditions and groups of a group."""
    rules = tree.get("rules", [])
    return [rule for rule in rules if isinstance(rule, Mapping)] if isinstance(rules, Sequence) else []


def _is_group(rule: Tree) -> bool:
    return "rules" in rule


def _problems_of_group(tree: Tree, types: AttributeTypes, path: Path) -> Iterator[Problem]:
    rules = tree.get("rules", [])
    if tree.get("join", "and") not in ("and", "or"):
        yield Problem(path, _("Join conditions with “and” or “or”."))
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
            yield from _problems_of_group(rule, types, here)
        elif message := _problem_of_condition(rule, types):
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
    try:
        operand(condition, data_type, operator)
    except ValueError as error:
        return str(error)
    return ""


def _sql_of_group(tree: Tree, types: AttributeTypes, today: date) -> Sql | None:
    parts = [part for rule in rules_of(tree) if (part := _sql_of_rule(rule, types, today)) is not None]
    if not parts:
        return None
    join = " OR " if tree.get("join") == "or" else " AND "
    return f"({join.join(sql for sql, _ in parts)})", [value for _, values in parts for value in values]


def _sql_of_rule(rule: Tree, types: AttributeTypes, today: date) -> Sql | None:
    if _is_group(rule):
        return _sql_of_group(rule, types, today)
    attribute = str(rule["attribute"])
    data_type = types[attribute]
    operator = find(data_type, rule["operator"])
    assert operator is not None, "the tree has been checked"  # noqa: S101
    return operator.to_sql(attribute, operand(rule, data_type, operator), bool(rule.get("ignore_case")), today)


def _one(value: object, data_type: AttributeType) -> str | Decimal | date:
    if data_type == AttributeType.NUMBER:
        return _number(value)
    if data_type == AttributeType.DATE:
        return _date(value)
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise ValueError(_("Enter a value."))
    if "\0" in str(value):
        raise ValueError(_("The value contains a character that profiles cannot contain."))
    if len(str(value)) > MAX_VALUE_LENGTH:
        raise ValueError(_("Enter at most %(most)d characters.") % {"most": MAX_VALUE_LENGTH})
    return str(value)


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or str(value).strip() == "":
        raise ValueError(_("Enter a number."))
    text = str(value).strip()
    try:
        number = Decimal(text) if len(text) <= 40 and text.isascii() and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 40:
        raise ValueError(_("“%(value)s” is not a number.") % {"value": text[:40]})
    return number


def _date(value: object) -> date:
    if isinstance(value, date):  # YAML files contain dates
        return value
    try:
        if isinstance(value, str) and len(value.strip()) == 10:
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise ValueError(_("Enter a date as YYYY-MM-DD."))


def _days(value: object) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and 1 <= len(text) <= 9):
        raise ValueError(_("Enter a whole number of days."))
    if not 1 <= int(text) <= MAX_DAYS:
        raise ValueError(_("Enter a number of days from 1 to %(most)d.") % {"most": MAX_DAYS})
    return int(text)


def _choices(value: object) -> tuple[str, ...]:
    choices = tuple(_text(choice) for choice in value) if isinstance(value, list | tuple) else ()
    if not choices:
        raise ValueError(_("Enter at least one value."))
    if len(choices) > MAX_CHOICES:
        raise ValueError(_("Enter at most %(most)d values.") % {"most": MAX_CHOICES})
    return choices


def _pair(value: object, data_type: AttributeType) -> tuple[Decimal, Decimal] | tuple[date, date]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(_("Enter two values: from and to."))
    if data_type == AttributeType.DATE:
        first, last = _date(value[0]), _date(value[1])
        if first > last:
            raise ValueError(_("The first date must not be after the second."))
        return first, last
    low, high = _number(value[0]), _number(value[1])
    if low > high:
        raise ValueError(_("The first number must not be greater than the second."))
    return low, high


def can_match_source(tree: Tree, columns: Collection[str]) -> bool:
    """Say whether profiles of a data source with these attributes may match the rules. An empty ``columns``
    means unknown, and they may."""
    used = {str(condition.get("attribute")) for condition in conditions(tree)}
    return not columns or not used.isdisjoint(columns) or matches_without_values(tree)


def matches_without_values(tree: Tree) -> bool:
    """Say whether a profile without any value matches the rules."""
    matches = _group_matches(tree)
    return True if matches is None else matches


def _group_matches(tree: Tree) -> bool | None:
    """Evaluate a group for a profile without values; None for an empty group."""
    results = [
        matches
        for rule in rules_of(tree)
        if (matches := _group_matches(rule) if "rules" in rule else rule.get("operator") in MATCH_WITHOUT_VALUE)
        is not None
    ]
    if not results:
        return None
    return any(results) if tree.get("join") == "or" else all(results)

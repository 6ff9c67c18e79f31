"""Rules: a tree of conditions, checked against the catalogue, told in a sentence, turned into SQL. Pure.

The tree as it is stored and posted::

    {"join": "and" | "or", "rules": [
        {"attribute": "country", "operator": "is", "value": "Finland", "ignore_case": true},
        {"join": "or", "rules": [ … ]},
    ]}

``value`` is a text; a list of texts for *any of*; a pair for *between*; a number of days for *within the last*;
absent where the operator needs none. Numbers may be numbers or digits in a text, dates are “YYYY-MM-DD”. A group
without rules says nothing; a tree that says nothing means everyone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from segments.models import AttributeType
from segments.rules.operators import FIT_WITHOUT_VALUE, Operand, Operator, Sql, Takes, find

Tree = Mapping[str, object]
Catalogue = Mapping[str, AttributeType]
Path = tuple[int, ...]

EVERYONE: Tree = {"join": "and", "rules": []}
DEEPEST = 5
MOST_CONDITIONS = 200
MOST_CHOICES = 500
MOST_DAYS = 36_525
LONGEST_VALUE = 500


@dataclass(frozen=True)
class Problem:
    """What is wrong with the rule at ``path``: its place in its group, inside the place of that group …"""

    path: Path
    message: str


class InvalidRules(Exception):
    """The tree cannot be used; ``problems`` has a sentence per condition."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = list(problems)


def problems(tree: Tree, catalogue: Catalogue) -> list[Problem]:
    """Everything that is wrong with the tree; an empty list when nothing is."""
    found = list(_problems_of_group(tree, catalogue, ()))
    if not found and sum(1 for _condition in conditions(tree)) > MOST_CONDITIONS:
        found.append(Problem((), _("Use at most %(most)d conditions.") % {"most": MOST_CONDITIONS}))
    return found


def check(tree: Tree, catalogue: Catalogue) -> None:
    """Raise InvalidRules when something is wrong with the tree."""
    if found := problems(tree, catalogue):
        raise InvalidRules(found)


def where(tree: Tree, catalogue: Catalogue, *, today: date) -> Sql:
    """A condition over the column ``attributes`` with its parameters; raises InvalidRules."""
    check(tree, catalogue)
    return _sql_of_group(tree, catalogue, today) or ("TRUE", [])


def conditions(tree: Tree) -> Iterator[Tree]:
    """Every condition, from left to right, whatever group it is in."""
    for rule in rules_of(tree):
        if _is_group(rule):
            yield from conditions(rule)
        else:
            yield rule


def operand(condition: Tree, data_type: AttributeType, operator: Operator) -> Operand:
    """The value of a condition as its operator needs it; raises ValueError with a sentence."""
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
    """The conditions and groups of a group."""
    rules = tree.get("rules", [])
    return [rule for rule in rules if isinstance(rule, Mapping)] if isinstance(rules, Sequence) else []


def _is_group(rule: Tree) -> bool:
    return "rules" in rule


def _problems_of_group(tree: Tree, catalogue: Catalogue, path: Path) -> Iterator[Problem]:
    rules = tree.get("rules", [])
    if tree.get("join", "and") not in ("and", "or"):
        yield Problem(path, _("Conditions are joined by “and” or “or”."))
    if len(path) >= DEEPEST:
        yield Problem(path, _("Groups are nested too deeply."))
        return
    if not isinstance(rules, list | tuple):
        yield Problem(path, _("The rules of a group are a list."))
        return
    for number, rule in enumerate(rules):
        here = (*path, number)
        if not isinstance(rule, Mapping):
            yield Problem(here, _("A rule is a condition or a group."))
        elif _is_group(rule):
            yield from _problems_of_group(rule, catalogue, here)
        elif message := _problem_of_condition(rule, catalogue):
            yield Problem(here, message)


def _problem_of_condition(condition: Tree, catalogue: Catalogue) -> str:
    attribute = condition.get("attribute")
    if not attribute or not isinstance(attribute, str):
        return _("Choose an attribute.")
    data_type = catalogue.get(attribute)
    if data_type is None:
        return _("There is no attribute “%(name)s”.") % {"name": attribute}
    operator = find(data_type, condition.get("operator"))
    if operator is None:
        return _("Choose how to compare “%(name)s”.") % {"name": attribute}
    try:
        operand(condition, data_type, operator)
    except ValueError as error:
        return str(error)
    return ""


def _sql_of_group(tree: Tree, catalogue: Catalogue, today: date) -> Sql | None:
    parts = [part for rule in rules_of(tree) if (part := _sql_of_rule(rule, catalogue, today)) is not None]
    if not parts:
        return None
    join = " OR " if tree.get("join") == "or" else " AND "
    return f"({join.join(sql for sql, _ in parts)})", [value for _, values in parts for value in values]


def _sql_of_rule(rule: Tree, catalogue: Catalogue, today: date) -> Sql | None:
    if _is_group(rule):
        return _sql_of_group(rule, catalogue, today)
    attribute = str(rule["attribute"])
    data_type = catalogue[attribute]
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
        raise ValueError(_("Type a value."))
    if "\0" in str(value):
        raise ValueError(_("The value holds a character that no profile can have."))
    if len(str(value)) > LONGEST_VALUE:
        raise ValueError(_("Type at most %(most)d characters.") % {"most": LONGEST_VALUE})
    return str(value)


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or str(value).strip() == "":
        raise ValueError(_("Type a number."))
    text = str(value).strip()
    try:
        number = Decimal(text) if len(text) <= 40 and text.isascii() and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 40:
        raise ValueError(_("“%(value)s” is not a number.") % {"value": text[:40]})
    return number


def _date(value: object) -> date:
    if isinstance(value, date):  # a configuration file has dates of its own
        return value
    try:
        if isinstance(value, str) and len(value.strip()) == 10:
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise ValueError(_("Type a date as YYYY-MM-DD."))


def _days(value: object) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and 1 <= len(text) <= 9):
        raise ValueError(_("Type a whole number of days."))
    if not 1 <= int(text) <= MOST_DAYS:
        raise ValueError(_("Type a number of days from 1 to %(most)d.") % {"most": MOST_DAYS})
    return int(text)


def _choices(value: object) -> tuple[str, ...]:
    choices = tuple(_text(choice) for choice in value) if isinstance(value, list | tuple) else ()
    if not choices:
        raise ValueError(_("Type at least one value."))
    if len(choices) > MOST_CHOICES:
        raise ValueError(_("Type at most %(most)d values.") % {"most": MOST_CHOICES})
    return choices


def _pair(value: object, data_type: AttributeType) -> tuple[Decimal, Decimal] | tuple[date, date]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(_("Type two values: from and to."))
    if data_type == AttributeType.DATE:
        first, last = _date(value[0]), _date(value[1])
        if first > last:
            raise ValueError(_("The first date comes after the second."))
        return first, last
    low, high = _number(value[0]), _number(value[1])
    if low > high:
        raise ValueError(_("The first number is greater than the second."))
    return low, high


def draws_from(tree: Tree, columns: Collection[str]) -> bool:
    """Whether people of a data source that gives these attributes may fit the rules. When nothing is known of the
    source, they may."""
    used = {str(condition.get("attribute")) for condition in conditions(tree)}
    return not columns or not used.isdisjoint(columns) or fits_without_attributes(tree)


def fits_without_attributes(tree: Tree) -> bool:
    """Whether somebody of whom nothing is known fits the rules."""
    fits = _group_fits(tree)
    return True if fits is None else fits


def _group_fits(tree: Tree) -> bool | None:
    """None for a group that says nothing."""
    told = [fits for rule in rules_of(tree) if (fits := _fits(rule)) is not None]
    if not told:
        return None
    return any(told) if tree.get("join") == "or" else all(told)


def _fits(rule: Tree) -> bool | None:
    return _group_fits(rule) if "rules" in rule else rule.get("operator") in FIT_WITHOUT_VALUE

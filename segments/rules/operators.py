"""Define the operators of rules: types, kinds of value, labels, SQL; and describe rules in plain language. Pure.

The SQL reads the column ``attributes`` and takes values as parameters. A profile without a value matches only *is
not*, *≠* and *has no value*.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from config.platform.web.formats import DOTS
from segments.models import AttributeType

Operand = str | Decimal | date | int | tuple[str, ...] | tuple[Decimal, Decimal] | tuple[date, date] | None
Sql = tuple[str, list[Any]]
ToSql = Callable[[str, Operand, bool, date], Sql]


class Takes(StrEnum):
    """What kind of value an operator takes."""

    NOTHING = "nothing"
    ONE = "one"
    TWO = "two"
    MANY = "many"
    DAYS = "days"


@dataclass(frozen=True)
class Operator:
    """An operator that compares an attribute with a value."""

    key: str
    label: str | Promise
    takes: Takes
    to_sql: ToSql


def _text_compare(template: str) -> ToSql:
    """Return the SQL builder for ``template``, in which {x} is the attribute and {v} the value (used once)."""

    def to_sql(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
        wrap = "lower({})" if ignore_case else "({})"
        sql = template.format(x=wrap.format("attributes ->> %s"), v=wrap.format("%s::text"))
        return f"coalesce({sql}, false)", [attribute, operand]

    return to_sql


def _is_not(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
    wrap = "lower({})" if ignore_case else "({})"
    sql = f"{wrap.format('attributes ->> %s')} IS DISTINCT FROM {wrap.format('%s::text')}"
    return f"({sql})", [attribute, operand]


def _ends_with(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
    wrap = "lower({})" if ignore_case else "({})"
    value, given = wrap.format("attributes ->> %s"), wrap.format("%s::text")
    return f"coalesce(right({value}, length({given})) = {given}, false)", [attribute, operand, operand]


def _any_of(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
    choices = list(operand) if isinstance(operand, tuple) else []
    wrap = "lower({})" if ignore_case else "({})"
    given = ", ".join(wrap.format("%s::text") for _choice in choices)
    return f"coalesce({wrap.format('attributes ->> %s')} IN ({given}), false)", [attribute, *choices]


def _has_value(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
    return "((attributes -> %s) IS NOT NULL)", [attribute]


def _has_none(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
    return "((attributes -> %s) IS NULL)", [attribute]


def _number_compare(sign: str) -> ToSql:
    def to_sql(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
        return f"coalesce((attributes -> %s)::numeric {sign} %s, false)", [attribute, operand]

    return to_sql


def _number_differs(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
    return "((attributes -> %s)::numeric IS DISTINCT FROM %s)", [attribute, operand]


def _number_between(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
    low, high = operand if isinstance(operand, tuple) else (operand, operand)
    return "coalesce((attributes -> %s)::numeric BETWEEN %s AND %s, false)", [attribute, low, high]


# Dates are stored as “YYYY-MM-DD”, which sorts as text by bytes.
def _date_compare(sign: str) -> ToSql:
    def to_sql(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
        return f'coalesce((attributes ->> %s) COLLATE "C" {sign} %s, false)', [attribute, _iso(operand)]

    return to_sql


def _date_between(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
    low, high = operand if isinstance(operand, tuple) else (operand, operand)
    sql = 'coalesce((attributes ->> %s) COLLATE "C" BETWEEN %s AND %s, false)'
    return sql, [attribute, _iso(low), _iso(high)]


def _within_last_days(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
    days = operand if isinstance(operand, int) else 0
    first = today - timedelta(days=min(days, (today - date.min).days))
    return _date_between(attribute, (first, today), ignore_case, today)


def _boolean(wanted: str) -> ToSql:
    def to_sql(attribute: str, operand: Operand, ignore_case: bool, today: date) -> Sql:
        return f"coalesce((attributes -> %s) = '{wanted}'::jsonb, false)", [attribute]

    return to_sql


def _iso(operand: object) -> str:
    return operand.isoformat() if isinstance(operand, date) else ""


_VALUE = Operator("has_value", _("has a value"), Takes.NOTHING, _has_value)
_NO_VALUE = Operator("has_none", _("has no value"), Takes.NOTHING, _has_none)

OPERATORS: Mapping[AttributeType, tuple[Operator, ...]] = {
    AttributeType.TEXT: (
        Operator("is", _("is"), Takes.ONE, _text_compare("{x} = {v}")),
        Operator("is_not", _("is not"), Takes.ONE, _is_not),
        Operator("any_of", _("is any of"), Takes.MANY, _any_of),
        Operator("contains", _("contains"), Takes.ONE, _text_compare("strpos({x}, {v}) > 0")),
        Operator("starts_with", _("starts with"), Takes.ONE, _text_compare("starts_with({x}, {v})")),
        Operator("ends_with", _("ends with"), Takes.ONE, _ends_with),
        _VALUE,
        _NO_VALUE,
    ),
    AttributeType.NUMBER: (
        Operator("=", _("="), Takes.ONE, _number_compare("=")),
        Operator("!=", _("≠"), Takes.ONE, _number_differs),
        Operator("<", _("<"), Takes.ONE, _number_compare("<")),
        Operator("<=", _("≤"), Takes.ONE, _number_compare("<=")),
        Operator(">", _(">"), Takes.ONE, _number_compare(">")),
        Operator(">=", _("≥"), Takes.ONE, _number_compare(">=")),
        Operator("between", _("is between"), Takes.TWO, _number_between),
        _VALUE,
        _NO_VALUE,
    ),
    AttributeType.DATE: (
        Operator("before", _("is before"), Takes.ONE, _date_compare("<")),
        Operator("after", _("is after"), Takes.ONE, _date_compare(">")),
        Operator("between", _("is between"), Takes.TWO, _date_between),
        Operator("within_last_days", _("is within the last"), Takes.DAYS, _within_last_days),
        _VALUE,
        _NO_VALUE,
    ),
    AttributeType.BOOLEAN: (
        Operator("is_yes", _("is yes"), Takes.NOTHING, _boolean("true")),
        Operator("is_no", _("is no"), Takes.NOTHING, _boolean("false")),
        _VALUE,
        _NO_VALUE,
    ),
}


# Operators that a profile without a value matches.
MATCH_WITHOUT_VALUE = frozenset({"is_not", "!=", "has_none"})


def find(data_type: AttributeType, key: object) -> Operator | None:
    """Return the operator with a key for a type, or None."""
    return next((operator for operator in OPERATORS[data_type] if operator.key == key), None)


_BY_KEY: Mapping[str, Operator] = {
    operator.key: operator for operators in OPERATORS.values() for operator in operators
}


def describe_group(tree: Mapping[str, Any], *, masked: bool = False) -> str:
    """Describe a group of rules, with nested groups in brackets; empty without rules. ``masked`` hides the
    values, which may be personal data."""
    parts = [text for rule in tree.get("rules", []) if (text := _describe_rule(rule, masked))]
    return (gettext(" or ") if tree.get("join") == "or" else gettext(" and ")).join(parts)


def describe_condition(condition: Mapping[str, Any], *, masked: bool = False) -> str:
    """Describe a condition as far as it is filled in; empty without an attribute."""
    attribute, operator = condition.get("attribute"), _BY_KEY.get(str(condition.get("operator")))
    if not attribute:
        return ""
    if operator is None:
        return f"{attribute} …"
    hidden = masked and operator.takes != Takes.NOTHING
    value = DOTS if hidden else _value_text(operator, condition.get("value"))
    case = (
        gettext(" (any case)")
        if condition.get("ignore_case") and operator.takes in (Takes.ONE, Takes.MANY)
        else ""
    )
    return f"{attribute} {operator.label}{' ' if value else ''}{value}{case}"


def _describe_rule(rule: Mapping[str, Any], masked: bool) -> str:
    if "rules" not in rule:
        return describe_condition(rule, masked=masked)
    inside = describe_group(rule, masked=masked)
    several = len([part for part in rule["rules"] if _describe_rule(part, masked)]) > 1
    return f"({inside})" if several else inside


def _value_text(operator: Operator, value: object) -> str:
    if operator.takes == Takes.NOTHING:
        return ""
    if operator.takes == Takes.DAYS:
        days = int(str(value)) if str(value).isdecimal() else 0
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days} if days else "…"
    if operator.takes == Takes.MANY:
        return ", ".join(_quoted(choice) for choice in value) if isinstance(value, list | tuple) else "…"
    if operator.takes == Takes.TWO:
        low, high = value if isinstance(value, list | tuple) and len(value) == 2 else ("", "")
        return gettext("%(low)s and %(high)s") % {"low": low or "…", "high": high or "…"}
    if value in (None, ""):
        return "…"
    return _quoted(value) if operator.key in _TEXT_KEYS else str(value)


_TEXT_KEYS = {"is", "is_not", "contains", "starts_with", "ends_with"}


def _quoted(value: object) -> str:
    return f"“{value}”"


def describe_rules(tree: Mapping[str, Any], *, masked: bool = False) -> str:
    """Describe rules in a sentence, such as “country is “Finland” and points ≥ 100”. ``masked`` hides the
    values."""
    return describe_group(tree, masked=masked) or gettext("All customers")

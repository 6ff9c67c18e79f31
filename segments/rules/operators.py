"""Define the operators of rules: types, kinds of value, labels; and describe rules in plain language. Pure.

A profile without a value matches only negations, such as *is not* and *≠*, and *has no value*.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.dates import MONTHS
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from config.platform.text.word_lists import join_words
from config.platform.web.formats import DOTS
from segments.models import AttributeType
from segments.rules.values import CURRENT_MONTH, TODAY, Takes, Unit


@dataclass(frozen=True)
class Operator:
    """An operator that compares an attribute with a value."""

    key: str
    label: str | Promise
    takes: Takes


_VALUE = Operator("has_value", _("has a value"), Takes.NOTHING)
_NO_VALUE = Operator("has_none", _("has no value"), Takes.NOTHING)

_NUMBERS = (
    Operator("=", _("="), Takes.ONE),
    Operator("!=", _("≠"), Takes.ONE),
    Operator("<", _("<"), Takes.ONE),
    Operator("<=", _("≤"), Takes.ONE),
    Operator(">", _(">"), Takes.ONE),
    Operator(">=", _("≥"), Takes.ONE),
    Operator("between", _("is between"), Takes.TWO),
    Operator("any_of", _("is any of"), Takes.MANY),
    _VALUE,
    _NO_VALUE,
)
_DATES = (
    Operator("before", _("is before"), Takes.ONE),
    Operator("after", _("is after"), Takes.ONE),
    Operator("on", _("is on"), Takes.ONE),
    Operator("between", _("is between"), Takes.TWO),
    Operator("within_last_days", _("is within the last"), Takes.DAYS),
    Operator("in_last", _("is in the last"), Takes.PERIOD),
    Operator("in_next", _("is in the next"), Takes.PERIOD),
    Operator("more_than_ago", _("is more than"), Takes.PERIOD),
    Operator("month_of", _("falls in"), Takes.MONTH),
    Operator("day_of", _("has its anniversary"), Takes.DAY),
    _VALUE,
    _NO_VALUE,
)

OPERATORS: Mapping[AttributeType, tuple[Operator, ...]] = {
    AttributeType.TEXT: (
        Operator("is", _("is"), Takes.ONE),
        Operator("is_not", _("is not"), Takes.ONE),
        Operator("any_of", _("is any of"), Takes.MANY),
        Operator("none_of", _("is none of"), Takes.MANY),
        Operator("contains", _("contains"), Takes.ONE),
        Operator("not_contains", _("does not contain"), Takes.ONE),
        Operator("starts_with", _("starts with"), Takes.ONE),
        Operator("ends_with", _("ends with"), Takes.ONE),
        _VALUE,
        _NO_VALUE,
    ),
    AttributeType.NUMBER: _NUMBERS,
    AttributeType.INTEGER: _NUMBERS,
    AttributeType.DATE: _DATES,
    AttributeType.DATETIME: _DATES,
    AttributeType.BOOLEAN: (
        Operator("is_yes", _("is yes"), Takes.NOTHING),
        Operator("is_no", _("is no"), Takes.NOTHING),
        _VALUE,
        _NO_VALUE,
    ),
    AttributeType.LIST: (
        Operator("contains_any", _("contains any of"), Takes.MANY),
        Operator("contains_all", _("contains all of"), Takes.MANY),
        Operator("contains_none", _("contains none of"), Takes.MANY),
        _VALUE,
        _NO_VALUE,
    ),
}

# Operators that say whether a profile is in another segment.
MEMBERSHIP: Mapping[str, str | Promise] = {
    "member": _("is a member of %(segment)s"),
    "not_member": _("is not a member of %(segment)s"),
}

# Operators that are the opposite of another; a profile without a value matches them.
NEGATIONS: Mapping[str, str] = {
    "is_not": "is",
    "none_of": "any_of",
    "not_contains": "contains",
    "!=": "=",
    "contains_none": "contains_any",
}
MATCH_WITHOUT_VALUE = frozenset({*NEGATIONS, "has_none"})


def find(data_type: AttributeType, key: object) -> Operator | None:
    """Return the operator with a key for a type, or None."""
    return next((operator for operator in OPERATORS[data_type] if operator.key == key), None)


_BY_KEY: Mapping[str, Operator] = {
    operator.key: operator for operators in OPERATORS.values() for operator in operators
}


Names = Mapping[int, str]


def describe_group(tree: Mapping[str, Any], *, masked: bool = False, segment_names: Names | None = None) -> str:
    """Describe a group of rules, with nested groups in brackets; empty without rules. ``masked`` hides the
    values, which may be personal data."""
    rules = tree.get("rules", [])
    parts = [text for rule in rules if (text := _describe_rule(rule, masked, segment_names or {}))]
    if tree.get("join") == "except":
        if parts and not _describe_rule(rules[0], masked, segment_names or {}):
            parts.insert(0, gettext("All customers"))
        return gettext(" except ").join(parts)
    return (gettext(" or ") if tree.get("join") in ("or", "union") else gettext(" and ")).join(parts)


def describe_condition(
    condition: Mapping[str, Any], *, masked: bool = False, segment_names: Names | None = None
) -> str:
    """Describe a condition as far as it is filled in; empty without an attribute or segment."""
    if "segment" in condition:
        return _describe_membership(condition, segment_names or {})
    attribute, operator = condition.get("attribute"), _BY_KEY.get(str(condition.get("operator")))
    if not attribute:
        return ""
    if operator is None:
        return f"{attribute} …"
    value = _operand_text(condition, operator, masked)
    case = (
        gettext(" (any case)")
        if condition.get("ignore_case") and operator.takes in (Takes.ONE, Takes.MANY)
        else ""
    )
    return f"{attribute} {operator.label}{' ' if value else ''}{value}{case}"


def _describe_membership(condition: Mapping[str, Any], segment_names: Names) -> str:
    label = MEMBERSHIP.get(str(condition.get("operator")))
    name = segment_names.get(condition["segment"])
    segment = _quoted(name) if name else gettext("segment %(id)s") % {"id": condition["segment"]}
    return str(label) % {"segment": segment} if label else f"{segment} …"


def _describe_rule(rule: Mapping[str, Any], masked: bool, segment_names: Names) -> str:
    if "rules" not in rule:
        return describe_condition(rule, masked=masked, segment_names=segment_names)
    inside = describe_group(rule, masked=masked, segment_names=segment_names)
    several = len([part for part in rule["rules"] if _describe_rule(part, masked, segment_names)]) > 1
    return f"({inside})" if several else inside


def _operand_text(condition: Mapping[str, Any], operator: Operator, masked: bool) -> str:
    if "other_attribute" in condition:
        return str(condition["other_attribute"] or "…")
    return DOTS if masked and operator.takes != Takes.NOTHING else _value_text(operator, condition.get("value"))


def _value_text(operator: Operator, value: object) -> str:
    if operator.key in _TEXT_KEYS and value not in (None, ""):
        return _quoted(value)
    text = _VALUE_TEXTS[operator.takes](value)
    is_past = operator.key == "more_than_ago" and text != "…"
    return gettext("%(period)s ago") % {"period": text} if is_past else text


def _one_text(value: object) -> str:
    return "…" if value in (None, "") else str(value)


def _choices_text(value: object) -> str:
    return join_words(_quoted(choice) for choice in value) if isinstance(value, list | tuple) else "…"


def _pair_text(value: object) -> str:
    low, high = value if isinstance(value, list | tuple) and len(value) == 2 else ("", "")
    return gettext("%(low)s and %(high)s") % {"low": low or "…", "high": high or "…"}


def _period_text(count: object, unit: object) -> str:
    number = int(str(count)) if str(count).isdecimal() else 0
    if not number or unit not in list(Unit):
        return "…"
    texts = {
        Unit.HOURS: ngettext("%(hours)d hour", "%(hours)d hours", number),
        Unit.DAYS: ngettext("%(days)d day", "%(days)d days", number),
        Unit.WEEKS: ngettext("%(weeks)d week", "%(weeks)d weeks", number),
        Unit.MONTHS: ngettext("%(months)d month", "%(months)d months", number),
    }
    return texts[Unit(str(unit))] % {str(unit): number}


def _month_text(value: object) -> str:
    if value == CURRENT_MONTH:
        return gettext("the current month")
    month = int(str(value)) if str(value).isdecimal() else 0
    return str(MONTHS[month]) if month in MONTHS else "…"


def _day_text(value: object) -> str:
    if value == TODAY:
        return gettext("today")
    return gettext("on %(day)s") % {"day": value} if value else "…"


_TEXT_KEYS = {"is", "is_not", "contains", "not_contains", "starts_with", "ends_with"}


_VALUE_TEXTS: Mapping[Takes, Callable[[object], str]] = {
    Takes.NOTHING: lambda _value: "",
    Takes.ONE: _one_text,
    Takes.TWO: _pair_text,
    Takes.MANY: _choices_text,
    Takes.DAYS: lambda value: _period_text(value, Unit.DAYS),
    Takes.PERIOD: lambda value: _period_text(
        *(value if isinstance(value, list | tuple) and len(value) == 2 else ("", ""))
    ),
    Takes.MONTH: _month_text,
    Takes.DAY: _day_text,
}


def _quoted(value: object) -> str:
    return f"“{value}”"


def describe_rules(tree: Mapping[str, Any], *, masked: bool = False, segment_names: Names | None = None) -> str:
    """Describe rules in a sentence, such as “country is “Finland” and points ≥ 100”. ``masked`` hides the values;
    ``segment_names`` names the segments that rules refer to, by ID."""
    return describe_group(tree, masked=masked, segment_names=segment_names) or gettext("All customers")

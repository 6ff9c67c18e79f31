"""Describe rules in plain language. Pure."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.web.masking import DOTS
from segments.rules.operators import OPERATORS, Operator, Takes
from segments.rules.tree import Tree

_BY_KEY: Mapping[str, Operator] = {
    operator.key: operator for operators in OPERATORS.values() for operator in operators
}


def describe_group(tree: Mapping[str, Any], *, masked: bool = False) -> str:
    """Describe a group of rules, with nested groups in brackets; empty without rules. ``masked`` hides the
    values, which may be personal data."""
    parts = [text for rule in tree.get("rules", []) if (text := _describe_rule(rule, masked))]
    return (_(" or ") if tree.get("join") == "or" else _(" and ")).join(parts)


def describe_condition(condition: Mapping[str, Any], *, masked: bool = False) -> str:
    """Describe a condition as far as it is filled in; empty without an attribute."""
    attribute, operator = condition.get("attribute"), _BY_KEY.get(str(condition.get("operator")))
    if not attribute:
        return ""
    if operator is None:
        return f"{attribute} …"
    hidden = masked and operator.takes != Takes.NOTHING
    value = DOTS if hidden else _value(operator, condition.get("value"))
    case = _(" (any case)") if condition.get("ignore_case") and operator.takes in (Takes.ONE, Takes.MANY) else ""
    return f"{attribute} {operator.label}{' ' if value else ''}{value}{case}"


def _describe_rule(rule: Mapping[str, Any], masked: bool) -> str:
    if "rules" not in rule:
        return describe_condition(rule, masked=masked)
    inside = describe_group(rule, masked=masked)
    several = len([part for part in rule["rules"] if _describe_rule(part, masked)]) > 1
    return f"({inside})" if several else inside


def _value(operator: Operator, value: object) -> str:
    if operator.takes == Takes.NOTHING:
        return ""
    if operator.takes == Takes.DAYS:
        days = int(str(value)) if str(value).isdecimal() else 0
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days} if days else "…"
    if operator.takes == Takes.MANY:
        return ", ".join(_quoted(choice) for choice in value) if isinstance(value, list | tuple) else "…"
    if operator.takes == Takes.TWO:
        low, high = value if isinstance(value, list | tuple) and len(value) == 2 else ("", "")
        return _("%(low)s and %(high)s") % {"low": low or "…", "high": high or "…"}
    if value in (None, ""):
        return "…"
    return _quoted(value) if operator.key in _TEXT_KEYS else str(value)


_TEXT_KEYS = {"is", "is_not", "contains", "starts_with", "ends_with"}


def _quoted(value: object) -> str:
    return f"“{value}”"


def sentence(tree: Tree, *, masked: bool = False) -> str:
    """Describe rules in a sentence, such as “country is “Finland” and points ≥ 100”. ``masked`` hides the
    values."""
    return describe_group(tree, masked=masked) or _("All customers")

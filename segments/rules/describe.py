"""Rules in plain language, for the builder and the detail page. Pure."""

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


def of_group(tree: Mapping[str, Any], *, masked: bool = False) -> str:
    """The group's rules joined by its word; nested groups in brackets; empty when it says nothing. With ``masked``
    the values that conditions compare with are left out: they may be personal data."""
    parts = [text for rule in tree.get("rules", []) if (text := _of_rule(rule, masked))]
    return (_(" or ") if tree.get("join") == "or" else _(" and ")).join(parts)


def of_condition(condition: Mapping[str, Any], *, masked: bool = False) -> str:
    """One condition, as far as it is filled in; empty when nothing is chosen yet."""
    attribute, operator = condition.get("attribute"), _BY_KEY.get(str(condition.get("operator")))
    if not attribute:
        return ""
    if operator is None:
        return f"{attribute} …"
    hidden = masked and operator.takes != Takes.NOTHING
    value = DOTS if hidden else _value(operator, condition.get("value"))
    case = _(" (any case)") if condition.get("ignore_case") and operator.takes in (Takes.ONE, Takes.MANY) else ""
    return f"{attribute} {operator.label}{' ' if value else ''}{value}{case}"


def _of_rule(rule: Mapping[str, Any], masked: bool) -> str:
    if "rules" not in rule:
        return of_condition(rule, masked=masked)
    inside = of_group(rule, masked=masked)
    several = len([part for part in rule["rules"] if _of_rule(part, masked)]) > 1
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
    """The tree in plain language, such as “country is “Finland” and points ≥ 100”; with ``masked`` without the
    values."""
    from segments.rules.describe import of_group

    return of_group(tree, masked=masked) or _("Everyone")

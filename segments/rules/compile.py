"""Compile rules to a SQLGlot condition over typed columns, for any engine that holds profiles.

    condition = compile_rules(segment.rules, columns, context)   # sqlglot.exp.Expression, never NULL
    where = to_sql(condition, "duckdb")                          # text, or UnsupportedRule with the rule's name

``columns`` maps the name of each attribute to its ColumnRef; ``context`` has what rules depend on besides the
profile. The condition names columns without a table, so it fits ``SELECT … FROM profiles WHERE …``. Always make
the text with ``to_sql``: SQLGlot's own ``.sql()`` emits wrong SQL for some dialects without an error.

A profile without a value matches only negations (*is not*, *≠*) and *has no value*. Rules without conditions match
every profile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlglot import exp

from config.platform.text.letter_case import comparable_text
from segments.models import AttributeType
from segments.rules import expressions, moments
from segments.rules import tree as rules_tree
from segments.rules.dialects import UnsupportedRule, name_rule, to_sql
from segments.rules.operators import NEGATIONS, find
from segments.rules.values import DayOfYear, MonthOfYear, Operand, operand

__all__ = ["ColumnRef", "CompileContext", "UnsupportedRule", "compile_rules", "to_sql"]

Expression = exp.Expression
Values = Sequence[Expression]


@dataclass(frozen=True)
class ColumnRef:
    """The column of an attribute: its SQL identifier, the type of its values, and the identifier of a stored
    column with ``comparable_text`` of them, where there is one."""

    column: str
    data_type: AttributeType
    normalized: str | None = None


@dataclass(frozen=True)
class CompileContext:
    """What rules depend on besides the profile.

    ``moment`` is now (with a zone), ``zone`` the environment's. ``member_of`` returns the sub-query of the profile
    IDs of a segment (one column without NULL), which ``id_column`` is looked up in.
    """

    moment: datetime
    zone: ZoneInfo
    member_of: Callable[[int], Expression]
    id_column: str = "id"

    def __post_init__(self) -> None:
        if self.moment.tzinfo is None:
            raise ValueError("a moment without a zone")


def compile_rules(tree: rules_tree.Tree, columns: Mapping[str, ColumnRef], context: CompileContext) -> Expression:
    """Compile rules to a boolean condition that is never NULL, in brackets where it has several parts. Raises
    InvalidRules."""
    rules_tree.check(tree, {name: reference.data_type for name, reference in columns.items()})
    condition = _Compiler(columns, context).group(tree) or exp.true()
    return exp.Paren(this=condition) if isinstance(condition, exp.Connector) else condition


def combine(group: rules_tree.Tree, parts: Sequence[Expression | None]) -> Expression | None:
    """Return the condition of a group by those of its rules, each None when it has no conditions inside; None when
    all of them are."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    if group.get("join") == "except":
        others = [part for part in parts[1:] if part is not None]
        excluded = [expressions.negate(expressions.any_of(others))] if others else []
        return expressions.all_of([parts[0] or exp.true(), *excluded])
    return (expressions.any_of if group.get("join") in ("or", "union") else expressions.all_of)(known)


@dataclass(frozen=True)
class _Compiler:
    """The parts of a tree that has been checked."""

    columns: Mapping[str, ColumnRef]
    context: CompileContext

    def group(self, tree: rules_tree.Tree) -> Expression | None:
        """Return the condition of a group, or None without conditions."""
        return combine(tree, [self._rule(rule) for rule in rules_tree.rules_of(tree)])

    def _rule(self, rule: rules_tree.Tree) -> Expression | None:
        if "rules" in rule:
            return self.group(rule)
        if "segment" in rule:
            return self._membership(rule)
        attribute = self.columns[str(rule["attribute"])]
        operator = find(attribute.data_type, rule["operator"])
        assert operator is not None, "the tree has been checked"  # noqa: S101
        if "other_attribute" in rule:
            condition = self._between_attributes(rule, attribute, operator.key)
        else:
            value = operand(rule, attribute.data_type, operator.takes)
            condition = self._with_value(rule, attribute, operator.key, value)
        return name_rule(condition, f"{rule['attribute']} {operator.label}")

    def _membership(self, rule: rules_tree.Tree) -> Expression:
        segment = rule["segment"]
        assert isinstance(segment, int), "the tree has been checked"  # noqa: S101
        members = self.context.member_of(segment)
        query = members if isinstance(members, exp.Subquery) else exp.Subquery(this=members)
        member = exp.In(this=expressions.column(self.context.id_column), query=query)
        condition = expressions.negate(member) if rule["operator"] == "not_member" else member
        return name_rule(condition, f"{rule['operator']} {segment}")

    def _between_attributes(self, rule: rules_tree.Tree, attribute: ColumnRef, key: str) -> Expression:
        """Return the condition that compares two attributes; without a value in both only negations match."""
        other = self.columns[str(rule["other_attribute"])]
        ignore_case = _ignores_case(rule, attribute)
        stored = [expressions.column(attribute.column), expressions.column(other.column)]
        compared, value = _compared(attribute, ignore_case), _compared(other, ignore_case)
        if key == "on" and attribute.data_type == AttributeType.DATETIME:
            compared, value = (exp.cast(self._local(at), "DATE") for at in (compared, value))
        return _never_null(key, stored, compared, [value])

    def _with_value(self, rule: rules_tree.Tree, attribute: ColumnRef, key: str, value: Operand) -> Expression:
        """Return the condition that compares an attribute with a value."""
        stored = expressions.column(attribute.column)
        if key == "has_none":
            return expressions.is_null(stored)
        if key == "has_value":
            return expressions.negate(expressions.is_null(stored))
        if attribute.data_type in (AttributeType.DATE, AttributeType.DATETIME):
            return expressions.known_and([stored], self._of_dates(attribute, key, value))
        ignore_case = _ignores_case(rule, attribute)
        return _never_null(key, [stored], _compared(attribute, ignore_case), _literals(value, ignore_case))

    def _of_dates(self, attribute: ColumnRef, key: str, value: Operand) -> Expression:
        """Return the condition that a date or moment lies within bounds, or on days of a year."""
        column, moment, zone = expressions.column(attribute.column), self.context.moment, self.context.zone
        is_moment = attribute.data_type == AttributeType.DATETIME
        day = self._local(column) if is_moment else column
        if isinstance(value, MonthOfYear):
            return expressions.part_is("MONTH", day, moments.month_of(value, moment, zone))
        if isinstance(value, DayOfYear):
            return expressions.any_of(
                expressions.all_of(
                    [expressions.part_is("MONTH", day, month), expressions.part_is("DAY", day, number)]
                )
                for month, number in moments.days_of(value, moment, zone)
            )
        return expressions.all_of(
            _SIGNS[bound.sign](this=column.copy(), expression=expressions.literal(bound.at))
            for bound in moments.bounds(key, value, attribute.data_type, moment, zone)
        )

    def _local(self, moment: Expression) -> Expression:
        """Return a moment as the clocks of the environment show it."""
        return exp.AtTimeZone(this=moment, zone=expressions.literal(self.context.zone.key))


def _ignores_case(rule: rules_tree.Tree, attribute: ColumnRef) -> bool:
    return bool(rule.get("ignore_case")) and attribute.data_type in (AttributeType.TEXT, AttributeType.LIST)


def _compared(attribute: ColumnRef, ignore_case: bool) -> Expression:
    """Return what is compared: the column, or its comparable text."""
    if not ignore_case:
        return expressions.column(attribute.column)
    if attribute.normalized is not None:
        return expressions.column(attribute.normalized)
    column = expressions.column(attribute.column)
    is_list = attribute.data_type == AttributeType.LIST
    return expressions.ignore_case_of_list(column) if is_list else expressions.ignore_case(column)


def _literals(value: Operand, ignore_case: bool) -> Values:
    values = value if isinstance(value, tuple) else (value,)
    return [
        expressions.literal(comparable_text(one) if ignore_case and isinstance(one, str) else one)
        for one in values
        if isinstance(one, str | int | Decimal | date)
    ]


def _never_null(key: str, stored: Values, compared: Expression, values: Values) -> Expression:
    """Return the condition of an operator with what it means for a profile without a value in ``stored``."""
    if key in NEGATIONS:
        opposite = _COMPARISONS[NEGATIONS[key]](compared, values)
        return expressions.unknown_or(stored, expressions.negate(opposite))
    return expressions.known_and(stored, _COMPARISONS[key](compared, values))


def _binary(kind: type[Expression]) -> Callable[[Expression, Values], Expression]:
    return lambda compared, values: kind(this=compared, expression=values[0])


def _with_list(kind: type[Expression]) -> Callable[[Expression, Values], Expression]:
    return lambda compared, values: kind(this=compared, expression=exp.Array(expressions=list(values)))


_SIGNS: Mapping[str, type[Expression]] = {"<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}

_COMPARISONS: Mapping[str, Callable[[Expression, Values], Expression]] = {
    "is": _binary(exp.EQ),
    "any_of": lambda compared, values: exp.In(this=compared, expressions=list(values)),
    "contains": _binary(exp.Contains),
    "starts_with": _binary(exp.StartsWith),
    "ends_with": _binary(exp.EndsWith),
    "=": _binary(exp.EQ),
    **{sign: _binary(kind) for sign, kind in _SIGNS.items()},
    "between": lambda compared, values: exp.Between(this=compared, low=values[0], high=values[1]),
    "on": _binary(exp.EQ),
    "before": _binary(exp.LT),
    "after": _binary(exp.GT),
    "is_yes": lambda compared, _values: compared,
    "is_no": lambda compared, _values: expressions.negate(compared),
    "contains_any": _with_list(exp.ArrayOverlaps),
    "contains_all": _with_list(exp.ArrayContainsAll),
}

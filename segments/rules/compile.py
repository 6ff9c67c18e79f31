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
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlglot import exp

from config.platform.text.letter_case import comparable_text
from segments.models import AttributeType
from segments.rules import expressions, moments
from segments.rules import tree as rules_tree
from segments.rules.dialects import UnsupportedRule, name_rule, to_sql
from segments.rules.operators import Operand, Takes, find

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


def compile_rules(tree: rules_tree.Tree, columns: Mapping[str, ColumnRef], context: CompileContext) -> Expression:
    """Compile rules to a boolean condition that is never NULL, in brackets where it has several parts. Raises
    InvalidRules."""
    rules_tree.check(tree, {name: reference.data_type for name, reference in columns.items()})
    condition = _Compiler(columns, context).group(tree) or exp.true()
    return exp.Paren(this=condition) if isinstance(condition, exp.Connector) else condition


@dataclass(frozen=True)
class _Compiler:
    """The parts of a tree that has been checked."""

    columns: Mapping[str, ColumnRef]
    context: CompileContext

    def group(self, tree: rules_tree.Tree) -> Expression | None:
        """Return the condition of a group, or None without conditions."""
        parts = [part for rule in rules_tree.rules_of(tree) if (part := self._rule(rule)) is not None]
        if not parts:
            return None
        return expressions.any_of(parts) if tree.get("join") == "or" else expressions.all_of(parts)

    def _rule(self, rule: rules_tree.Tree) -> Expression | None:
        return self.group(rule) if "rules" in rule else self._condition(rule)

    def _condition(self, rule: rules_tree.Tree) -> Expression:
        reference = self.columns[str(rule["attribute"])]
        operator = find(reference.data_type, rule["operator"])
        assert operator is not None, "the tree has been checked"  # noqa: S101
        operand = rules_tree.operand(rule, reference.data_type, operator)
        ignore_case = bool(rule.get("ignore_case")) and reference.data_type == AttributeType.TEXT
        if reference.data_type == AttributeType.DATE and operator.takes != Takes.NOTHING:
            condition = self._within(
                reference, moments.bounds(operator.key, operand, self.context.moment, self.context.zone)
            )
        else:
            condition = _compare(operator.key, reference, _literals(operand, ignore_case), ignore_case)
        return name_rule(condition, f"{rule['attribute']} {operator.label}")

    def _within(self, reference: ColumnRef, bounds: Sequence[moments.Bound]) -> Expression:
        """Return the condition that a date lies within bounds."""
        stored = expressions.column(reference.column)
        compared = [_SIGNS[bound.sign](this=stored, expression=expressions.literal(bound.at)) for bound in bounds]
        return expressions.known_and([stored], expressions.all_of(compared))


def _compare(key: str, reference: ColumnRef, values: Values, ignore_case: bool) -> Expression:
    """Return the condition of an operator over a column and literals."""
    stored = expressions.column(reference.column)
    if key == "has_none":
        return expressions.is_null(stored)
    if key == "has_value":
        return expressions.negate(expressions.is_null(stored))
    compared = _comparable(reference) if ignore_case else stored
    if key in _NEGATIONS:
        condition = _COMPARISONS[_NEGATIONS[key]](compared, values)
        return expressions.unknown_or([stored], expressions.negate(condition))
    return expressions.known_and([stored], _COMPARISONS[key](compared, values))


def _comparable(reference: ColumnRef) -> Expression:
    if reference.normalized is not None:
        return expressions.column(reference.normalized)
    return expressions.ignore_case(expressions.column(reference.column))


def _literals(operand: Operand, ignore_case: bool) -> Values:
    values = operand if isinstance(operand, tuple) else () if operand is None else (operand,)
    return [
        expressions.literal(comparable_text(value) if ignore_case and isinstance(value, str) else value)
        for value in values
    ]


def _binary(kind: type[Expression]) -> Callable[[Expression, Values], Expression]:
    return lambda compared, values: kind(this=compared, expression=values[0])


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
    "is_yes": lambda compared, _values: compared,
    "is_no": lambda compared, _values: expressions.negate(compared),
}
# Operators that are the opposite of another, and true for a profile without a value.
_NEGATIONS = {"is_not": "is", "!=": "="}

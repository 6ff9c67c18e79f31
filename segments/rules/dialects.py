"""Convert conditions of rules to the SQL of a dialect, by an allow-list of expressions with their expected text.

SQLGlot emits wrong SQL without an error where a dialect lacks a function: ``CONTAINS`` in PostgreSQL, a search
that ignores case in BigQuery. So each kind of expression is listed with the text that the dialect must get for it.
What is not listed, or comes out as another text, is refused with the name of its rule.
"""

from collections.abc import Iterator
from functools import cache

from sqlglot import exp

from segments.rules.dialect_expressions import ALLOWED, CONVERSIONS, shape

Expression = exp.Expression
_RULE = "rule"


class UnsupportedRule(Exception):
    """A dialect cannot express a rule; ``rule`` names it by attribute and operator, without values."""

    def __init__(self, rule: str, dialect: str) -> None:
        super().__init__(f"{dialect} cannot express the rule: {rule}")
        self.rule = rule
        self.dialect = dialect


def name_rule(condition: Expression, name: str) -> Expression:
    """Note the name of the rule that a condition was compiled from."""
    condition.meta[_RULE] = name
    return condition


def to_sql(expression: exp.Expr, dialect: str) -> str:
    """Convert a condition to SQL. Raises UnsupportedRule."""
    if dialect not in CONVERSIONS:
        raise ValueError(f"unknown dialect: {dialect}")
    converted = _convert(expression, dialect)
    for node in _walk(converted):
        # A type is judged with its cast.
        if not isinstance(node, exp.DataType) and not _is_allowed(shape(node), dialect):
            raise UnsupportedRule(_rule_of(node), dialect)
    return converted.sql(dialect=dialect)


def _convert(expression: exp.Expr, dialect: str) -> exp.Expr:
    """Replace what the dialect calls otherwise, the innermost first."""
    converted = exp.Paren(this=expression.copy())
    conversions = CONVERSIONS[dialect]
    for node in reversed(list(_walk(converted))):
        if conversion := conversions.get(type(node)):
            node.replace(conversion(node.copy()))
    inside: exp.Expr = converted.this
    return inside


def _walk(expression: exp.Expr) -> Iterator[exp.Expr]:
    """Iterate over every expression of rules. The query of a segment's members is the caller's own."""
    return expression.walk(prune=lambda node: isinstance(node, exp.Subquery))


def _rule_of(node: exp.Expr) -> str:
    found: exp.Expr | None = node
    while found is not None and _RULE not in found.meta:
        found = found.parent
    return str(found.meta[_RULE]) if found else type(node).__name__


@cache
def _is_allowed(found: str, dialect: str) -> bool:
    allowed = ALLOWED.get(found)
    if allowed is None or not allowed.expected(dialect):
        return False
    return allowed.sample.sql(dialect=dialect) == allowed.expected(dialect)

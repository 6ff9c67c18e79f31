"""Build the SQLGlot expressions of comparisons: columns, literals, and conditions that are never NULL.

Values become SQLGlot literals, never text of SQL. Every condition says first what it means for a profile without a
value, because ``NULL = 'x'`` is neither true nor false, and ``NOT`` keeps it so.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlglot import exp

Expression = exp.Expression


def column(name: str) -> Expression:
    """Return a column by its SQL identifier."""
    return exp.column(name, quoted=True)


def literal(value: str | int | Decimal | date | datetime) -> Expression:
    """Return a value as a literal: text, whole number, number in double precision, date, moment in UTC."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a text with NUL")
        return exp.Literal.string(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
        return exp.cast(exp.Literal.string(f"{moment}+00:00"), "TIMESTAMPTZ", copy=False)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE", copy=False)
    if isinstance(value, int):
        return _signed(str(abs(value)), negative=value < 0)
    return _signed(_double(abs(float(value))), negative=value < 0)


def is_null(operand: Expression) -> Expression:
    return exp.Is(this=operand.copy(), expression=exp.null())


def negate(condition: Expression) -> Expression:
    return exp.Not(this=exp.Paren(this=condition))


def all_of(conditions: Iterable[Expression]) -> Expression:
    return _join(exp.And, conditions)


def any_of(conditions: Iterable[Expression]) -> Expression:
    return _join(exp.Or, conditions)


def known_and(operands: Iterable[Expression], condition: Expression) -> Expression:
    """Return a condition that is false where an operand is NULL."""
    return all_of([*(exp.Not(this=is_null(operand)) for operand in operands), condition])


def unknown_or(operands: Iterable[Expression], condition: Expression) -> Expression:
    """Return a condition that is true where an operand is NULL."""
    return any_of([*(is_null(operand) for operand in operands), condition])


def ignore_case(text: Expression) -> Expression:
    """Return the expression of ``comparable_text`` for a column without a stored one."""
    return exp.Lower(this=exp.Normalize(this=text, form=exp.Var(this="NFC")))


def ignore_case_of_list(texts: Expression) -> Expression:
    """Return the expression of ``comparable_text`` for each text of a list."""
    element = exp.to_identifier("element")
    lowered = exp.Lambda(this=ignore_case(exp.Column(this=element.copy())), expressions=[element])
    return exp.Transform(this=texts, expression=lowered)


def part_is(part: str, day: Expression, number: int) -> Expression:
    """Return the condition that the month or day of a date is a number."""
    extracted = exp.Extract(this=exp.Var(this=part), expression=day.copy())
    return exp.EQ(this=extracted, expression=literal(number))


def _join(kind: type[exp.And] | type[exp.Or], conditions: Iterable[Expression]) -> Expression:
    parts = list(conditions)
    if len(parts) == 1:
        return parts[0]
    first, *others = (
        exp.Paren(this=part) if isinstance(part, exp.Connector) and not isinstance(part, kind) else part
        for part in parts
    )
    joined: Expression = first
    for part in others:
        joined = kind(this=joined, expression=part)
    return joined


def _signed(digits: str, *, negative: bool) -> Expression:
    number = exp.Literal.number(digits)
    return exp.Neg(this=number) if negative else number


def _double(number: float) -> str:
    # With an exponent, engines read double precision; without one, a decimal of limited digits.
    text = repr(number)
    return text if "e" in text else f"{text}e0"

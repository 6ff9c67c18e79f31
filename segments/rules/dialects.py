"""Convert conditions of rules to the SQL of a dialect, by an allow-list of expressions with their expected text.

SQLGlot emits wrong SQL without an error where a dialect lacks a function: ``CONTAINS`` in PostgreSQL, a search
that ignores case in BigQuery. So each kind of expression is listed with the text that the dialect must get for it.
What is not listed, or comes out as another text, is refused with the name of its rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from sqlglot import exp

Expression = exp.Expression
_RULE = "rule"


class UnsupportedRule(Exception):
    """A dialect cannot express a rule; ``rule`` names it by attribute and operator, without values."""

    def __init__(self, rule: str, dialect: str) -> None:
        super().__init__(f"{dialect} cannot express the rule: {rule}")
        self.rule = rule
        self.dialect = dialect


@dataclass(frozen=True)
class Allowed:
    """A kind of expression, by a sample over the columns a, b and c, with its expected text: in every dialect, or
    by dialect."""

    sample: Expression
    text: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)

    def expected(self, dialect: str) -> str:
        return self.texts.get(dialect, self.text)


def name_rule(condition: Expression, name: str) -> Expression:
    """Note the name of the rule that a condition was compiled from."""
    condition.meta[_RULE] = name
    return condition


def to_sql(expression: exp.Expr, dialect: str) -> str:
    """Convert a condition to SQL. Raises UnsupportedRule."""
    if dialect not in _CONVERSIONS:
        raise ValueError(f"unknown dialect: {dialect}")
    converted = _convert(expression, dialect)
    # The query of a segment's members is the caller's own.
    for node in converted.walk(prune=lambda node: isinstance(node, exp.Subquery)):
        # A type is judged with its cast.
        if not isinstance(node, exp.DataType) and not _is_allowed(_shape(node), dialect):
            raise UnsupportedRule(_rule_of(node), dialect)
    return converted.sql(dialect=dialect)


def _convert(expression: exp.Expr, dialect: str) -> exp.Expr:
    """Replace what the dialect calls otherwise."""
    conversions = _CONVERSIONS[dialect]

    def replace(node: exp.Expr) -> exp.Expr:
        conversion = conversions.get(type(node))
        return conversion(node) if conversion else node

    return expression.copy().transform(replace, copy=False)


def _rule_of(node: exp.Expr) -> str:
    found: exp.Expr | None = node
    while found is not None and _RULE not in found.meta:
        found = found.parent
    return str(found.meta[_RULE]) if found else type(node).__name__


def _shape(node: exp.Expr) -> str:
    """Return the class of an expression and the arguments that it has, and what else its text depends on."""
    arguments = " ".join(sorted(name for name, value in node.args.items() if value not in (None, False, [])))
    if isinstance(node, exp.Cast):
        return f"Cast {node.to.sql()}: {arguments}"
    if isinstance(node, exp.Literal):
        return f"Literal {'string' if node.is_string else 'number'}"
    if isinstance(node, exp.Anonymous):
        return f"{node.name}: {arguments}"
    if isinstance(node, exp.Identifier):
        return "Identifier quoted" if node.args.get("quoted") else "Identifier"
    if isinstance(node, exp.Boolean | exp.Var):
        return f"{type(node).__name__} {node.this}"
    return f"{type(node).__name__}: {arguments}"


@cache
def _is_allowed(shape: str, dialect: str) -> bool:
    allowed = _BY_SHAPE.get(shape)
    if allowed is None:
        return False
    expected = allowed.expected(dialect)
    return bool(expected) and allowed.sample.sql(dialect=dialect) == expected


def _nfc_normalize(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="NFC_NORMALIZE", expressions=[node.this])


_Conversion = Callable[[exp.Expr], exp.Expr]
_CONVERSIONS: Mapping[str, Mapping[type[exp.Expr], _Conversion]] = {
    "duckdb": {exp.Normalize: _nfc_normalize},
}

_A, _B, _C = (exp.column(name, quoted=True) for name in "abc")
_QUERY = exp.select(_B).from_(exp.table_("t", quoted=True))
_E = exp.to_identifier("e")
_LAMBDA = exp.Lambda(this=exp.Lower(this=exp.Column(this=_E)), expressions=[_E])
_TEXT = exp.Literal.string("it's \\ %é")

_ALLOWED = (
    Allowed(exp.to_identifier("a", quoted=True), '"a"'),
    Allowed(exp.to_identifier("a"), "a"),
    Allowed(_A, '"a"'),
    Allowed(exp.column("a", table="t", quoted=True), '"t"."a"'),
    Allowed(_TEXT, "'it''s \\ %é'"),
    Allowed(exp.Literal.number("1.5e0"), "1.5e0"),
    Allowed(exp.Neg(this=exp.Literal.number("1")), "-1"),
    Allowed(exp.true(), "TRUE"),
    Allowed(exp.false(), "FALSE"),
    Allowed(exp.null(), "NULL"),
    Allowed(exp.cast(exp.Literal.string("x"), "DATE"), "CAST('x' AS DATE)"),
    Allowed(exp.cast(exp.Literal.string("x"), "TIMESTAMPTZ"), texts={"duckdb": "CAST('x' AS TIMESTAMPTZ)"}),
    Allowed(exp.Paren(this=_A), '("a")'),
    Allowed(exp.Not(this=_A), 'NOT "a"'),
    Allowed(exp.And(this=_A, expression=_B), '"a" AND "b"'),
    Allowed(exp.Or(this=_A, expression=_B), '"a" OR "b"'),
    Allowed(exp.Is(this=_A, expression=exp.null()), '"a" IS NULL'),
    Allowed(exp.EQ(this=_A, expression=_B), '"a" = "b"'),
    Allowed(exp.LT(this=_A, expression=_B), '"a" < "b"'),
    Allowed(exp.LTE(this=_A, expression=_B), '"a" <= "b"'),
    Allowed(exp.GT(this=_A, expression=_B), '"a" > "b"'),
    Allowed(exp.GTE(this=_A, expression=_B), '"a" >= "b"'),
    Allowed(exp.Between(this=_A, low=_B, high=_C), '"a" BETWEEN "b" AND "c"'),
    Allowed(exp.In(this=_A, expressions=[_B, _C]), '"a" IN ("b", "c")'),
    Allowed(exp.In(this=_A, query=exp.Subquery(this=_QUERY)), '"a" IN (SELECT "b" FROM "t")'),
    Allowed(exp.Subquery(this=_QUERY), '(SELECT "b" FROM "t")'),
    Allowed(exp.Var(this="MONTH"), "MONTH"),
    Allowed(exp.Var(this="DAY"), "DAY"),
    Allowed(exp.Extract(this=exp.Var(this="DAY"), expression=_A), texts={"duckdb": 'EXTRACT(DAY FROM "a")'}),
    Allowed(exp.AtTimeZone(this=_A, zone=_B), texts={"duckdb": '"a" AT TIME ZONE "b"'}),
    Allowed(exp.Array(expressions=[_A, _B]), texts={"duckdb": '["a", "b"]'}),
    Allowed(exp.ArrayOverlaps(this=_A, expression=_B), texts={"duckdb": '"a" && "b"'}),
    Allowed(exp.ArrayContainsAll(this=_A, expression=_B), texts={"duckdb": '"a" @> "b"'}),
    Allowed(_LAMBDA, texts={"duckdb": "LAMBDA e : LOWER(e)"}),
    Allowed(
        exp.Transform(this=_A, expression=_LAMBDA), texts={"duckdb": 'LIST_TRANSFORM("a", LAMBDA e : LOWER(e))'}
    ),
    Allowed(exp.Contains(this=_A, expression=_B), texts={"duckdb": 'CONTAINS("a", "b")'}),
    Allowed(exp.StartsWith(this=_A, expression=_B), texts={"duckdb": 'STARTS_WITH("a", "b")'}),
    Allowed(exp.EndsWith(this=_A, expression=_B), texts={"duckdb": 'ENDS_WITH("a", "b")'}),
    Allowed(exp.Lower(this=_A), texts={"duckdb": 'LOWER("a")'}),
    Allowed(exp.Anonymous(this="NFC_NORMALIZE", expressions=[_A]), texts={"duckdb": 'NFC_NORMALIZE("a")'}),
)
_BY_SHAPE: Mapping[str, Allowed] = {_shape(allowed.sample): allowed for allowed in _ALLOWED}

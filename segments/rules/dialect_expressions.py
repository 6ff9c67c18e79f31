"""List how each dialect expresses what rules compile to: replacements of expressions, and the allowed expressions
with their expected text.

DuckDB, PostgreSQL and SQLite are compared with an evaluation in Python, ClickHouse where its engine is
installed. For the others the text is only parsed back and compared, and what is not known to mean the same is left
out. So refused are:

- ignoring case without a stored comparable text, but in DuckDB and PostgreSQL, whose lower case was measured;
- lists outside DuckDB, PostgreSQL and SQLite;
- months and days of moments in SQLite, Databricks and ClickHouse, which know no zones or use that of the session;
- moments in ClickHouse, whose DateTime has no fractions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

_FEW_VALUES = 16
Conversion = Callable[[exp.Expr], exp.Expr]


@dataclass(frozen=True)
class Allowed:
    """A kind of expression, by a sample over the columns a, b and c, with its expected text: in every dialect, or
    ``only`` in some."""

    sample: exp.Expr
    text: str = ""
    only: Mapping[str, str] = field(default_factory=dict)

    def expected(self, dialect: str) -> str:
        """Return the text that the sample must have, or an empty text where the expression is not allowed."""
        return self.only.get(dialect, self.text)


def shape(node: exp.Expr) -> str:
    """Return the class of an expression, the arguments that it has, and what else its text depends on."""
    arguments = " ".join(sorted(name for name, value in node.args.items() if value not in (None, False, [])))
    name = f"{type(node).__name__}: {arguments}"
    match node:
        case exp.Cast():
            name = f"Cast {node.to.sql()} of {'literal' if isinstance(node.this, exp.Literal) else 'another'}"
        case exp.Literal():
            name = f"Literal {'string' if node.is_string else 'number'}"
        case exp.Anonymous():
            name = f"{node.name}: {arguments}"
        case exp.Identifier():
            name = "Identifier quoted" if node.args.get("quoted") else "Identifier"
        case exp.Boolean() | exp.Var():
            name = f"{type(node).__name__} {node.this}"
        case exp.Array() if node.expressions and isinstance(node.expressions[0], exp.Select):
            name = "Array of query"
    return name


def _contains_by_position(node: exp.Expr) -> exp.Expr:
    return exp.GT(this=exp.StrPosition(this=node.this, substr=node.expression), expression=exp.Literal.number("0"))


def _starts_by_substring(node: exp.Expr) -> exp.Expr:
    length = exp.Length(this=node.expression.copy())
    start = exp.Substring(this=node.this, start=exp.Literal.number("1"), length=length)
    return exp.EQ(this=start, expression=node.expression)


def _ends_by_right(node: exp.Expr) -> exp.Expr:
    end = exp.Right(this=node.this, expression=exp.Length(this=node.expression.copy()))
    return exp.EQ(this=end, expression=node.expression)


def _ends_by_substring(node: exp.Expr) -> exp.Expr:
    # Of a text that is too short this is another end of it, shorter than what it is compared with.
    others = exp.Sub(this=exp.Length(this=node.this.copy()), expression=exp.Length(this=node.expression.copy()))
    start = exp.Add(this=others, expression=exp.Literal.number("1"))
    return exp.EQ(this=exp.Substring(this=node.this, start=start), expression=node.expression)


def _nfc_in_duckdb(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="NFC_NORMALIZE", expressions=[node.this])


def _any_in_duckdb(node: exp.Expr) -> exp.Expr:
    return _each_in_duckdb(node, exp.Or)


def _all_in_duckdb(node: exp.Expr) -> exp.Expr:
    return _each_in_duckdb(node, exp.And)


def _each_in_duckdb(node: exp.Expr, joined: type[exp.And] | type[exp.Or]) -> exp.Expr:
    # Three to five times as fast as && and @> for few values of a stored list.
    values = node.expression.expressions
    if len(values) > _FEW_VALUES or not isinstance(node.this, exp.Column):
        return node
    found: exp.Expr | None = None
    for value in values:
        contains = exp.Anonymous(this="LIST_CONTAINS", expressions=[node.this.copy(), value])
        found = contains if found is None else joined(this=found, expression=contains)
    return exp.Paren(this=found)


def _part_in_duckdb(node: exp.Expr) -> exp.Expr:
    # Time zones are slow, so they are looked up only where a day nearby in UTC has the same month or day.
    part, number = node.this, node.expression
    if not isinstance(part, exp.Extract) or not isinstance(part.expression, exp.AtTimeZone):
        return node
    microseconds = exp.Anonymous(this="EPOCH_US", expressions=[part.expression.this.copy()])
    day = exp.cast(exp.Anonymous(this="MAKE_TIMESTAMP", expressions=[microseconds]), "DATE", copy=False)
    one = exp.Literal.number("1")
    days = (exp.Sub(this=day, expression=one), day, exp.Add(this=day.copy(), expression=one.copy()))
    found: exp.Expr | None = None
    for nearby in days:
        same = exp.EQ(this=exp.Extract(this=part.this.copy(), expression=nearby.copy()), expression=number.copy())
        found = same if found is None else exp.Or(this=found, expression=same)
    return exp.Paren(this=exp.And(this=exp.Paren(this=found), expression=node))


def _nfc_in_postgres(node: exp.Expr) -> exp.Expr:
    # Of PostgreSQL 17 and later; it is lower-cased by letters, whatever the collation of the database.
    return exp.Collate(this=node, expression=exp.to_identifier("pg_c_utf8", quoted=True))


def _list_in_postgres(node: exp.Expr) -> exp.Expr:
    changed: exp.Lambda = node.expression
    alias = exp.TableAlias(this=changed.expressions[0])
    elements = exp.select(changed.this, copy=False).from_(
        exp.Unnest(expressions=[node.this], alias=alias), copy=False
    )
    return exp.Array(expressions=[elements])


def _literal_of_cast(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node.this, exp.Literal) else node


def _part_in_sqlite(node: exp.Expr) -> exp.Expr:
    if isinstance(node.expression, exp.AtTimeZone):
        return node
    start = exp.Literal.number("6" if node.this.name == "MONTH" else "9")
    digits = exp.Substring(this=node.expression, start=start, length=exp.Literal.number("2"))
    return exp.cast(digits, "INT", copy=False)


def _any_in_sqlite(node: exp.Expr) -> exp.Expr:
    return _exists_in_sqlite(node.this, node.expression.expressions)


def _all_in_sqlite(node: exp.Expr) -> exp.Expr:
    found: exp.Expr | None = None
    for value in node.expression.expressions:
        exists = _exists_in_sqlite(node.this.copy(), [value])
        found = exists if found is None else exp.And(this=found, expression=exists)
    return exp.Paren(this=found)


def _exists_in_sqlite(texts: exp.Expr, values: list[exp.Expr]) -> exp.Expr:
    element = exp.In(this=exp.column("value", table="json_each"), expressions=values)
    elements = exp.Table(this=exp.Anonymous(this="JSON_EACH", expressions=[texts]))
    return exp.Exists(this=exp.select("1").from_(elements, copy=False).where(element, copy=False))


def _date_in_clickhouse(node: exp.Expr) -> exp.Expr:
    # Its Date begins in 1970.
    return exp.Cast(this=node.this, to=exp.DataType(this=exp.DType.DATE32)) if node.is_type("DATE") else node


def _numbers_in_clickhouse(node: exp.Expr) -> exp.Expr:
    # Its sets compare bits, where -0.0 is not 0.0, and it makes a set of several comparisons too.
    numbers = [each.find(exp.Literal) for each in node.expressions]
    if not any(each is not None and not each.is_string and "e" in each.name for each in numbers):
        return node
    zero = exp.Add(this=node.this.copy(), expression=exp.Literal.number("0.0e0"))
    return exp.In(this=exp.Paren(this=zero), expressions=node.expressions)


CONVERSIONS: Mapping[str, Mapping[type[exp.Expr], Conversion]] = {
    "duckdb": {
        exp.Normalize: _nfc_in_duckdb,
        exp.ArrayOverlaps: _any_in_duckdb,
        exp.ArrayContainsAll: _all_in_duckdb,
        exp.EQ: _part_in_duckdb,
    },
    "postgres": {
        exp.Contains: _contains_by_position,
        exp.EndsWith: _ends_by_right,
        exp.Normalize: _nfc_in_postgres,
        exp.Transform: _list_in_postgres,
    },
    "sqlite": {
        exp.Contains: _contains_by_position,
        exp.StartsWith: _starts_by_substring,
        exp.EndsWith: _ends_by_substring,
        exp.Cast: _literal_of_cast,
        exp.Extract: _part_in_sqlite,
        exp.ArrayOverlaps: _any_in_sqlite,
        exp.ArrayContainsAll: _all_in_sqlite,
    },
    "snowflake": {},
    "bigquery": {exp.Contains: _contains_by_position},
    "redshift": {
        exp.Contains: _contains_by_position,
        exp.StartsWith: _starts_by_substring,
        exp.EndsWith: _ends_by_right,
    },
    "databricks": {},
    "clickhouse": {
        exp.Contains: _contains_by_position,
        exp.Cast: _date_in_clickhouse,
        exp.In: _numbers_in_clickhouse,
    },
    "trino": {exp.Contains: _contains_by_position, exp.EndsWith: _ends_by_substring},
}

_A, _B, _C = (exp.column(name) for name in "abc")
_X, _ONE, _NFC = exp.Literal.string("x"), exp.Literal.number("1"), exp.Var(this="NFC")
_QUERY = exp.select(_B).from_("t")
_E = exp.to_identifier("e")
_LAMBDA = exp.Lambda(this=exp.Lower(this=exp.Column(this=_E)), expressions=[_E])
_UNNEST = exp.Unnest(expressions=[_A], alias=exp.TableAlias(this=_E))
_JSON_EACH = exp.Anonymous(this="JSON_EACH", expressions=[_A])

_ANY_DIALECT = (
    Allowed(exp.to_identifier("a", quoted=True), '"a"', {"bigquery": "`a`", "databricks": "`a`"}),
    Allowed(exp.to_identifier("a"), "a"),
    Allowed(_A, "a"),
    Allowed(
        exp.Literal.string("it's \\ %é"),
        "'it\\'s \\\\ %é'",
        dict.fromkeys(("duckdb", "postgres", "sqlite", "trino"), "'it''s \\ %é'")
        | {"clickhouse": "'it''s \\\\ %é'"},
    ),
    Allowed(exp.Literal.number("1.5e0"), "1.5e0"),
    Allowed(exp.Neg(this=_ONE), "-1"),
    Allowed(exp.true(), "TRUE"),
    Allowed(exp.false(), "FALSE"),
    Allowed(exp.null(), "NULL"),
    Allowed(exp.Paren(this=_A), "(a)"),
    Allowed(exp.Not(this=_A), "NOT a"),
    Allowed(exp.And(this=_A, expression=_B), "a AND b"),
    Allowed(exp.Or(this=_A, expression=_B), "a OR b"),
    Allowed(exp.Is(this=_A, expression=exp.null()), "a IS NULL"),
    Allowed(exp.EQ(this=_A, expression=_B), "a = b"),
    Allowed(exp.LT(this=_A, expression=_B), "a < b"),
    Allowed(exp.LTE(this=_A, expression=_B), "a <= b"),
    Allowed(exp.GT(this=_A, expression=_B), "a > b"),
    Allowed(exp.GTE(this=_A, expression=_B), "a >= b"),
    Allowed(exp.Add(this=_A, expression=_B), "a + b"),
    Allowed(exp.Sub(this=_A, expression=_B), "a - b"),
    Allowed(exp.Between(this=_A, low=_B, high=_C), "a BETWEEN b AND c"),
    Allowed(exp.In(this=_A, expressions=[_B, _C]), "a IN (b, c)"),
    Allowed(exp.In(this=_A, query=exp.Subquery(this=_QUERY)), "a IN (SELECT b FROM t)"),
    Allowed(exp.Subquery(this=_QUERY), "(SELECT b FROM t)"),
    Allowed(exp.Var(this="MONTH"), "MONTH"),
    Allowed(exp.Var(this="DAY"), "DAY"),
    Allowed(exp.Length(this=_A), "LENGTH(a)", {"clickhouse": "CHAR_LENGTH(a)"}),
)

_SOME_DIALECTS = (
    Allowed(
        exp.StrPosition(this=_A, substr=_B),
        only={
            "postgres": "POSITION(b IN a)",
            "sqlite": "INSTR(a, b)",
            "bigquery": "INSTR(a, b)",
            "redshift": "POSITION(b IN a)",
            "clickhouse": "POSITION(a, b)",
            "trino": "STRPOS(a, b)",
        },
    ),
    Allowed(
        exp.Contains(this=_A, expression=_B),
        only=dict.fromkeys(("duckdb", "snowflake", "databricks"), "CONTAINS(a, b)"),
    ),
    Allowed(
        exp.StartsWith(this=_A, expression=_B),
        only=dict.fromkeys(("duckdb", "postgres", "bigquery", "trino"), "STARTS_WITH(a, b)")
        | dict.fromkeys(("snowflake", "databricks"), "STARTSWITH(a, b)")
        | {"clickhouse": "startsWith(a, b)"},
    ),
    Allowed(
        exp.EndsWith(this=_A, expression=_B),
        only=dict.fromkeys(("duckdb", "bigquery"), "ENDS_WITH(a, b)")
        | dict.fromkeys(("snowflake", "databricks"), "ENDSWITH(a, b)")
        | {"clickhouse": "endsWith(a, b)"},
    ),
    Allowed(exp.Right(this=_A, expression=_B), only=dict.fromkeys(("postgres", "redshift"), "RIGHT(a, b)")),
    Allowed(
        exp.Substring(this=_A, start=_B, length=_C),
        only={"sqlite": "SUBSTRING(a, b, c)", "redshift": "SUBSTRING(a FROM b FOR c)"},
    ),
    Allowed(exp.Substring(this=_A, start=_B), only={"sqlite": "SUBSTRING(a, b)", "trino": "SUBSTR(a, b)"}),
)

_DATES = (
    Allowed(
        exp.cast(_X, "DATE"),
        only=dict.fromkeys(
            ("duckdb", "postgres", "snowflake", "bigquery", "redshift", "databricks", "trino"), "CAST('x' AS DATE)"
        ),
    ),
    Allowed(
        exp.Cast(this=_X, to=exp.DataType(this=exp.DType.DATE32)),
        only={"clickhouse": "CAST('x' AS Nullable(Date32))"},
    ),
    Allowed(
        exp.cast(_A, "DATE"),
        only=dict.fromkeys(
            ("duckdb", "postgres", "snowflake", "bigquery", "redshift", "trino"), "CAST(a AS DATE)"
        ),
    ),
    Allowed(
        exp.cast(_X, "TIMESTAMPTZ"),
        only=dict.fromkeys(("duckdb", "postgres", "snowflake"), "CAST('x' AS TIMESTAMPTZ)")
        | dict.fromkeys(("bigquery", "databricks"), "CAST('x' AS TIMESTAMP)")
        | dict.fromkeys(("redshift", "trino"), "CAST('x' AS TIMESTAMP WITH TIME ZONE)"),
    ),
    Allowed(
        exp.AtTimeZone(this=_A, zone=_B),
        only=dict.fromkeys(("duckdb", "postgres", "redshift"), "a AT TIME ZONE b")
        | {
            "snowflake": "CONVERT_TIMEZONE(b, a)",
            "bigquery": "TIMESTAMP(DATETIME(a, b))",
            "trino": "AT_TIMEZONE(a, b)",
        },
    ),
    Allowed(
        exp.Extract(this=exp.Var(this="DAY"), expression=_A),
        only=dict.fromkeys(
            ("duckdb", "postgres", "bigquery", "redshift", "databricks", "clickhouse", "trino"),
            "EXTRACT(DAY FROM a)",
        )
        | {"snowflake": "DATE_PART(DAY, a)"},
    ),
    Allowed(exp.Anonymous(this="EPOCH_US", expressions=[_A]), only={"duckdb": "EPOCH_US(a)"}),
    Allowed(exp.Anonymous(this="MAKE_TIMESTAMP", expressions=[_A]), only={"duckdb": "MAKE_TIMESTAMP(a)"}),
    Allowed(exp.cast(_A, "INT"), only={"sqlite": "CAST(a AS INTEGER)"}),
)

_LISTS = (
    Allowed(exp.Array(expressions=[_A, _B]), only={"duckdb": "[a, b]", "postgres": "ARRAY[a, b]"}),
    Allowed(exp.ArrayOverlaps(this=_A, expression=_B), only=dict.fromkeys(("duckdb", "postgres"), "a && b")),
    Allowed(exp.ArrayContainsAll(this=_A, expression=_B), only=dict.fromkeys(("duckdb", "postgres"), "a @> b")),
    Allowed(exp.Anonymous(this="LIST_CONTAINS", expressions=[_A, _B]), only={"duckdb": "LIST_CONTAINS(a, b)"}),
    Allowed(exp.Exists(this=_QUERY), only={"sqlite": "EXISTS(SELECT b FROM t)"}),
    Allowed(_QUERY.where(_A), only={"sqlite": "SELECT b FROM t WHERE a"}),
    Allowed(
        exp.From(this=exp.Table(this=_JSON_EACH)),
        only={"sqlite": "FROM JSON_EACH(a)", "postgres": "FROM JSON_EACH(a)"},
    ),
    Allowed(exp.Where(this=_A), only={"sqlite": "WHERE a"}),
    Allowed(exp.Table(this=_JSON_EACH), only={"sqlite": "JSON_EACH(a)"}),
    Allowed(_JSON_EACH, only={"sqlite": "JSON_EACH(a)"}),
    Allowed(exp.column("value", table="json_each"), only={"sqlite": "json_each.value"}),
)

_IGNORE_CASE = (
    Allowed(exp.Lower(this=_A), only=dict.fromkeys(("duckdb", "postgres"), "LOWER(a)")),
    Allowed(exp.Anonymous(this="NFC_NORMALIZE", expressions=[_A]), only={"duckdb": "NFC_NORMALIZE(a)"}),
    Allowed(exp.Normalize(this=_A, form=_NFC), only={"postgres": "NORMALIZE(a, NFC)"}),
    Allowed(_NFC, only={"postgres": "NFC"}),
    Allowed(
        exp.Collate(this=_A, expression=exp.to_identifier("pg_c_utf8", quoted=True)),
        only={"postgres": 'a COLLATE "pg_c_utf8"'},
    ),
    Allowed(_LAMBDA, only={"duckdb": "LAMBDA e : LOWER(e)"}),
    Allowed(exp.Transform(this=_A, expression=_LAMBDA), only={"duckdb": "LIST_TRANSFORM(a, LAMBDA e : LOWER(e))"}),
    Allowed(exp.Array(expressions=[_QUERY]), only={"postgres": "ARRAY(SELECT b FROM t)"}),
    Allowed(_QUERY, only={"postgres": "SELECT b FROM t"}),
    Allowed(_UNNEST, only={"postgres": "UNNEST(a) AS e"}),
    Allowed(exp.TableAlias(this=_E), only={"postgres": "e"}),
)

ALLOWED: Mapping[str, Allowed] = {
    shape(allowed.sample): allowed for allowed in (*_ANY_DIALECT, *_SOME_DIALECTS, *_DATES, *_LISTS, *_IGNORE_CASE)
}

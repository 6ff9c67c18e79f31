"""The SQL of rules in each dialect."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlglot
from sqlglot import exp

from segments.models import AttributeType
from segments.rules.compile import ColumnRef, CompileContext, UnsupportedRule, compile_rules, to_sql
from segments.rules.dialect_expressions import ALLOWED, CONVERSIONS
from tests.support.rules_engines import members_query

DIALECTS = sorted(CONVERSIONS)
WAREHOUSES = ["bigquery", "clickhouse", "databricks", "redshift", "snowflake", "trino"]
COLUMNS = {
    "city": ColumnRef("c1", AttributeType.TEXT),
    "street": ColumnRef("c2", AttributeType.TEXT, normalized="n2"),
    "points": ColumnRef("c3", AttributeType.NUMBER),
    "born": ColumnRef("c4", AttributeType.DATE),
    "seen": ColumnRef("c5", AttributeType.DATETIME),
    "tags": ColumnRef("c6", AttributeType.LIST),
    "newsletter": ColumnRef("c7", AttributeType.BOOLEAN),
    "visits": ColumnRef("c8", AttributeType.INTEGER),
}
CONTEXT = CompileContext(datetime(2024, 3, 9, 23, tzinfo=UTC), ZoneInfo("Europe/Helsinki"), members_query)
CITY_IS = {"attribute": "city", "operator": "is", "value": "Turku"}
PORTABLE: list[dict[str, Any]] = [
    CITY_IS,
    {"attribute": "city", "operator": "none_of", "value": ["a", "b"]},
    {"attribute": "city", "operator": "contains", "value": "100%"},
    {"attribute": "city", "operator": "starts_with", "value": "a_"},
    {"attribute": "city", "operator": "ends_with", "value": "z"},
    {"attribute": "city", "operator": "is_not", "other_attribute": "street"},
    {"attribute": "street", "operator": "not_contains", "value": "É", "ignore_case": True},
    {"attribute": "points", "operator": "between", "value": ["-1.5", "1e20"]},
    {"attribute": "visits", "operator": "any_of", "value": [1, -2]},
    {"attribute": "born", "operator": "in_last", "value": [2, "months"]},
    {"attribute": "born", "operator": "month_of", "value": "current"},
    {"attribute": "born", "operator": "day_of", "value": "02-28"},
    {"attribute": "newsletter", "operator": "is_no"},
    {"segment": 7, "operator": "not_member"},
    {"join": "except", "rules": [CITY_IS, {"attribute": "born", "operator": "has_none"}]},
]


def sql(rule: Mapping[str, Any], dialect: str) -> str:
    return to_sql(compile_rules({"rules": [rule]}, COLUMNS, CONTEXT), dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sqlglot_writes_what_is_expected(dialect: str) -> None:
    expected = {name: allowed.expected(dialect) for name, allowed in ALLOWED.items() if allowed.expected(dialect)}
    assert expected == {name: ALLOWED[name].sample.sql(dialect=dialect) for name in expected}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_rules_are_read_back_as_they_were_written(dialect: str) -> None:
    for rule in PORTABLE:
        text = sql(rule, dialect)
        assert sqlglot.parse_one(text, dialect=dialect).sql(dialect=dialect) == text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_values_are_read_back_as_they_were_given(dialect: str) -> None:
    for value in ["'", "''", "\\", "\\'", "\\\\n", "\n", "\t", "%", '"', "`", "$$", "{x}", "é\U0001f600"]:
        parsed = sqlglot.parse_one(sql({**CITY_IS, "value": value}, dialect), dialect=dialect)
        assert [literal.this for literal in parsed.find_all(exp.Literal)] == [value]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({**CITY_IS, "operator": "contains"}, {
            "duckdb": "CONTAINS(c1, 'Turku')",
            "postgres": "POSITION('Turku' IN c1) > 0",
            "sqlite": "INSTR(c1, 'Turku') > 0",
            "bigquery": "INSTR(c1, 'Turku') > 0",
            "clickhouse": "POSITION(c1, 'Turku') > 0",
            "trino": "STRPOS(c1, 'Turku') > 0",
        }),
        ({**CITY_IS, "operator": "starts_with"}, {
            "sqlite": "SUBSTRING(c1, 1, LENGTH('Turku')) = 'Turku'",
            "redshift": "SUBSTRING(c1 FROM 1 FOR LENGTH('Turku')) = 'Turku'",
        }),
        ({**CITY_IS, "operator": "contains", "ignore_case": True}, {
            "duckdb": "CONTAINS(LOWER(NFC_NORMALIZE(c1)), 'turku')",
            "postgres": "POSITION('turku' IN LOWER(NORMALIZE(c1, NFC) COLLATE pg_c_utf8)) > 0",
        }),
        ({"attribute": "seen", "operator": "month_of", "value": 2}, {
            "duckdb": "((EXTRACT(MONTH FROM CAST(MAKE_TIMESTAMP(EPOCH_US(c5)) AS DATE) - 1) = 2 OR "
            "EXTRACT(MONTH FROM CAST(MAKE_TIMESTAMP(EPOCH_US(c5)) AS DATE)) = 2 OR "
            "EXTRACT(MONTH FROM CAST(MAKE_TIMESTAMP(EPOCH_US(c5)) AS DATE) + 1) = 2) AND "
            "EXTRACT(MONTH FROM c5 AT TIME ZONE 'Europe/Helsinki') = 2)",
            "bigquery": "EXTRACT(MONTH FROM TIMESTAMP(DATETIME(c5, 'Europe/Helsinki'))) = 2",
        }),
        ({"attribute": "tags", "operator": "contains_all", "value": ["a", "b"]}, {
            "duckdb": "(LIST_CONTAINS(c6, 'a') AND LIST_CONTAINS(c6, 'b'))",
            "postgres": "c6 @> ARRAY['a', 'b']",
            "sqlite": "(EXISTS(SELECT 1 FROM JSON_EACH(c6) WHERE json_each.value IN ('a')) AND "
            "EXISTS(SELECT 1 FROM JSON_EACH(c6) WHERE json_each.value IN ('b')))",
        }),
        ({"attribute": "tags", "operator": "contains_any", "value": list("abcdefghijklmnopq")}, {
            "duckdb": f"c6 && {list('abcdefghijklmnopq')}",
        }),
        ({"attribute": "tags", "operator": "contains_any", "value": ["É"], "ignore_case": True}, {
            "duckdb": "LIST_TRANSFORM(c6, LAMBDA element : LOWER(NFC_NORMALIZE(element))) && ['é']",
            "postgres": "ARRAY(SELECT LOWER(NORMALIZE(element, NFC) COLLATE pg_c_utf8) "
            "FROM UNNEST(c6) AS element) && ARRAY['é']",
        }),
        ({"attribute": "points", "operator": "any_of", "value": [0, 1.5]}, {
            "trino": "c3 IN (0.0e0, 1.5e0)",
            "clickhouse": "(c3 + 0.0e0) IN (0.0e0, 1.5e0)",
        }),
        ({"attribute": "visits", "operator": "any_of", "value": [1, -2]}, {"clickhouse": "c8 IN (1, -2)"}),
        ({"attribute": "born", "operator": "on", "value": "1931-02-28"}, {
            "sqlite": "c4 >= '1931-02-28' AND c4 <= '1931-02-28'",
            "clickhouse": "c4 >= CAST('1931-02-28' AS Nullable(Date32)) AND "
            "c4 <= CAST('1931-02-28' AS Nullable(Date32))",
        }),
    ],
)  # fmt: skip
def test_each_dialect_gets_what_means_the_same(rule: Mapping[str, Any], expected: Mapping[str, str]) -> None:
    for dialect, text in expected.items():
        assert sql(rule, dialect).replace('"', "").replace("`", "").endswith(f" AND {text})"), dialect


@pytest.mark.parametrize(
    ("rule", "dialects"),
    [
        ({"attribute": "city", "operator": "is", "value": "a", "ignore_case": True}, ["sqlite", *WAREHOUSES]),
        ({"attribute": "tags", "operator": "contains_any", "value": ["a"]}, WAREHOUSES),
        ({"attribute": "seen", "operator": "day_of", "value": "today"}, ["sqlite", "databricks", "clickhouse"]),
        ({"attribute": "seen", "operator": "in_last", "value": [1, "hours"]}, ["clickhouse"]),
    ],
)
def test_what_a_dialect_cannot_express_is_refused_by_name(rule: Mapping[str, Any], dialects: list[str]) -> None:
    for dialect in DIALECTS:
        if dialect not in dialects:
            assert sql(rule, dialect)
            continue
        with pytest.raises(UnsupportedRule, match=f"{dialect} cannot express the rule: {rule['attribute']} "):
            sql(rule, dialect)


def test_an_unknown_dialect_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown dialect"):
        sql(CITY_IS, "mysql")

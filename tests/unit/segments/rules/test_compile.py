"""Rules compiled to conditions over typed columns."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from sqlglot import exp

from segments.models import AttributeType
from segments.rules.compile import ColumnRef, CompileContext, UnsupportedRule, compile_rules, to_sql
from segments.rules.tree import InvalidRules

COLUMNS = {
    "city": ColumnRef("c1", AttributeType.TEXT),
    "street": ColumnRef("c2", AttributeType.TEXT, normalized="n2"),
    "points": ColumnRef("c3", AttributeType.NUMBER),
    "born": ColumnRef("c4", AttributeType.DATE),
    "newsletter": ColumnRef("c5", AttributeType.BOOLEAN),
}
CONTEXT = CompileContext(
    moment=datetime(2024, 3, 9, 23, 0, tzinfo=UTC),
    zone=ZoneInfo("Europe/Helsinki"),
    member_of=lambda segment: exp.select("profile_id").from_("members").where(exp.column("segment").eq(segment)),
)


def sql(condition: Mapping[str, Any]) -> str:
    compiled = compile_rules({"rules": [condition]}, COLUMNS, CONTEXT)
    return to_sql(compiled.unnest(), "duckdb")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            {"attribute": "city", "operator": "is", "value": "O'Hara\\%"},
            """NOT "c1" IS NULL AND "c1" = 'O''Hara\\%'""",
        ),
        ({"attribute": "city", "operator": "is_not", "value": "x"}, """"c1" IS NULL OR NOT ("c1" = 'x')"""),
        (
            {"attribute": "city", "operator": "contains", "value": "ÄI", "ignore_case": True},
            """NOT "c1" IS NULL AND CONTAINS(LOWER(NFC_NORMALIZE("c1")), 'äi')""",
        ),
        (
            {"attribute": "street", "operator": "any_of", "value": ["A", "b"], "ignore_case": True},
            """NOT "c2" IS NULL AND "n2" IN ('a', 'b')""",
        ),
        ({"attribute": "points", "operator": "<", "value": "-2.50"}, """NOT "c3" IS NULL AND "c3" < -2.5e0"""),
        (
            {"attribute": "points", "operator": "between", "value": [1, "1e20"]},
            """NOT "c3" IS NULL AND "c3" BETWEEN 1.0e0 AND 1e+20""",
        ),
        (
            {"attribute": "born", "operator": "after", "value": "2024-02-29"},
            """NOT "c4" IS NULL AND "c4" > CAST('2024-02-29' AS DATE)""",
        ),
        ({"attribute": "newsletter", "operator": "is_no"}, """NOT "c5" IS NULL AND NOT ("c5")"""),
        ({"attribute": "newsletter", "operator": "has_none"}, '"c5" IS NULL'),
    ],
)
def test_a_condition_is_never_null_and_its_values_are_literals(
    condition: Mapping[str, Any], expected: str
) -> None:
    assert sql(condition) == expected


def test_days_are_those_of_the_environment() -> None:
    condition = {"attribute": "born", "operator": "within_last_days", "value": 1}
    assert "'2024-03-09'" in sql(condition)
    assert "'2024-03-10'" in sql(condition)


def test_groups_are_joined_inside_brackets() -> None:
    yes, old = {"attribute": "newsletter", "operator": "is_yes"}, {"attribute": "points", "operator": "has_none"}
    tree = {"join": "and", "rules": [yes, {"join": "or", "rules": [old, {"rules": []}, old]}]}
    found = to_sql(compile_rules(tree, COLUMNS, CONTEXT), "duckdb")
    assert found == '(NOT "c5" IS NULL AND "c5" AND ("c3" IS NULL OR "c3" IS NULL))'


@pytest.mark.parametrize("tree", [{}, {"join": "or", "rules": [{"join": "and", "rules": []}]}])
def test_no_rules_mean_every_profile(tree: Mapping[str, Any]) -> None:
    assert to_sql(compile_rules(tree, COLUMNS, CONTEXT), "duckdb") == "TRUE"


def test_rules_with_problems_are_not_compiled() -> None:
    with pytest.raises(InvalidRules, match="shoe"):
        sql({"attribute": "shoe", "operator": "is", "value": "x"})


def test_what_is_not_listed_is_refused_with_the_name_of_its_rule() -> None:
    condition = compile_rules({"rules": [{"attribute": "city", "operator": "has_none"}]}, COLUMNS, CONTEXT)
    condition.set("this", exp.Soundex(this=condition.this))
    with pytest.raises(UnsupportedRule, match="duckdb cannot express the rule: city has no value"):
        to_sql(condition, "duckdb")


@pytest.mark.parametrize(
    "value", ["'", "''", "\\", "\\'", "%", "_", '"', "; --", "$1", "?", "{x}", "李\u0301\n", "ẞ"]
)
def test_any_text_reaches_the_engine_as_it_is(value: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE profiles (c1 VARCHAR)")
        connection.execute("INSERT INTO profiles VALUES (?), ('other')", [value])
        where = sql({"attribute": "city", "operator": "is", "value": value})
        assert connection.execute(f"SELECT c1 FROM profiles WHERE {where}").fetchall() == [(value,)]


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        CompileContext(datetime(2024, 3, 9), ZoneInfo("UTC"), CONTEXT.member_of)  # noqa: DTZ001


def test_dates_are_compared_as_dates() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE profiles (c4 DATE)")
        connection.execute("INSERT INTO profiles VALUES ('2024-02-28'), ('2024-03-01'), (NULL)")
        where = sql({"attribute": "born", "operator": "between", "value": ["2024-02-29", "2024-03-01"]})
        found = connection.execute(f"SELECT c4 FROM profiles WHERE {where}").fetchall()
    assert found == [(date(2024, 3, 1),)]

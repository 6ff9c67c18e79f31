"""Compiled rules match the profiles that a plain evaluation in Python matches, in every engine that runs here."""

import os
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segments.models import AttributeType
from segments.rules.compile import CompileContext, UnsupportedRule, compile_rules, to_sql
from tests.support.clickhouse_rules import ClickHouse
from tests.support.random_rules import TYPES, Example
from tests.support.rules_engines import ATTRIBUTES, DuckDB, Engine, PostgreSQL, SQLite, members_query
from tests.support.rules_evaluation import Evaluator

QUICK, LONG = 3, int(os.environ.get("RULES", "250"))
GROUPS = 30
SEEDS = st.integers(0, 2**64)


def many(examples: int) -> settings:
    """Without shrinking: a smaller seed is no smaller example."""
    return settings(
        deadline=None,
        max_examples=examples,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture(params=[DuckDB, PostgreSQL, SQLite])
def engine(request: pytest.FixtureRequest, db: None) -> Engine:
    made: Engine = request.param()
    return made


@pytest.fixture
def clickhouse(db: None) -> Engine:
    pytest.importorskip("chdb", reason="needs chdb-core-lite: see Try more rules in CONTRIBUTING.md")
    return ClickHouse()


def check(engine: Engine, seed: int) -> None:
    """Compare what an engine matches with what the evaluation does."""
    example = Example(random.Random(seed))
    context = CompileContext(example.moment, example.zone, members_query)
    trees = [*example.trees_of_each_operator(), *(example.tree() for _ in range(GROUPS))]
    compiled = [compile_what_is_supported(tree, engine.dialect, context) for tree in trees]
    profiles, members = example.profiles(), example.members()
    engine.fill(profiles, members)
    evaluator = Evaluator(TYPES, example.moment, example.zone, members)
    found = engine.find([condition for _tree, condition in compiled])
    wrong = [
        (condition, profile, found[profile["id"]][number])
        for number, (tree, condition) in enumerate(compiled)
        for profile in profiles
        if engine.dialect != "clickhouse" or not _asks_for_missing_lists(condition)
        if found[profile["id"]][number] is not evaluator.matches(tree, profile)
    ]
    assert wrong == []


Tree = Mapping[str, Any]


def compile_what_is_supported(tree: Tree, dialect: str, context: CompileContext) -> tuple[Tree, str]:
    """The tree without the conditions that a dialect refuses (see test_dialects.py), and its SQL."""
    try:
        return tree, to_sql(compile_rules(tree, ATTRIBUTES, context), dialect)
    except UnsupportedRule:
        assert dialect in ("sqlite", "clickhouse")
        return compile_what_is_supported(_without_refused(tree, dialect, context), dialect, context)


def _asks_for_missing_lists(condition: str) -> bool:
    """Whether a condition asks whether a list is missing: none is in ClickHouse."""
    lists = [each.column for each in ATTRIBUTES.values() if each.data_type == AttributeType.LIST]
    return any(f'"{column}" IS NULL' in condition for column in lists)


def _without_refused(tree: Tree, dialect: str, context: CompileContext) -> Tree:
    rules = [_without_refused(rule, dialect, context) if "rules" in rule else rule for rule in tree["rules"]]
    return {**tree, "rules": [rule for rule in rules if "rules" in rule or _is_supported(rule, dialect, context)]}


def _is_supported(rule: Tree, dialect: str, context: CompileContext) -> bool:
    try:
        to_sql(compile_rules({"rules": [rule]}, ATTRIBUTES, context), dialect)
    except UnsupportedRule:
        return False
    return True


@many(QUICK)
@given(seed=SEEDS)
def test_engines_match_what_the_rules_describe(engine: Engine, seed: int) -> None:
    check(engine, seed)


@pytest.mark.drill
@many(LONG)
@given(seed=SEEDS)
def test_engines_match_what_many_rules_describe(engine: Engine, seed: int) -> None:
    check(engine, seed)


@pytest.mark.drill
@many(LONG)
@given(seed=SEEDS)
def test_clickhouse_matches_what_many_rules_describe(clickhouse: Engine, seed: int) -> None:
    check(clickhouse, seed)

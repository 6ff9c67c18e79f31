"""Compiled rules match the profiles that a plain evaluation in Python matches, in every engine that runs here."""

import os
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segments.rules.compile import CompileContext, UnsupportedRule, compile_rules, to_sql
from segments.rules.tree import problems
from tests.support.random_rules import TYPES, Example
from tests.support.rules_engines import ATTRIBUTES, DuckDB, Engine, PostgreSQL, SQLite, members_query
from tests.support.rules_evaluation import Evaluator

QUICK, LONG = 20, int(os.environ.get("RULES", "1000"))
TREES = 12
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


def check(engine: Engine, seed: int) -> None:
    """Compare what an engine matches with what the evaluation does."""
    example = Example(random.Random(seed))
    context = CompileContext(example.moment, example.zone, members_query)
    trees = [without_unsupported(example.tree(), engine.dialect, context) for _ in range(TREES)]
    assert [problems(tree, TYPES) for tree in trees] == [[]] * TREES
    profiles, members = example.profiles(), example.members()
    engine.fill(profiles, members)
    conditions = [to_sql(compile_rules(tree, ATTRIBUTES, context), engine.dialect) for tree in trees]
    evaluator = Evaluator(TYPES, example.moment, example.zone, members)
    found = engine.find(conditions)
    wrong = [
        (condition, profile, found[profile["id"]][number])
        for number, (tree, condition) in enumerate(zip(trees, conditions, strict=True))
        for profile in profiles
        if found[profile["id"]][number] is not evaluator.matches(tree, profile)
    ]
    assert wrong == []


def without_unsupported(tree: Mapping[str, Any], dialect: str, context: CompileContext) -> dict[str, Any]:
    """The tree without the conditions that a dialect refuses; test_dialects.py names them."""
    rules = []
    for rule in tree["rules"]:
        try:
            to_sql(compile_rules({"rules": [rule]}, ATTRIBUTES, context), dialect)
        except UnsupportedRule:
            assert dialect == "sqlite"
            if "rules" in rule:
                rules.append(without_unsupported(rule, dialect, context))
        else:
            rules.append(rule)
    return {**tree, "rules": rules}


@many(QUICK)
@given(seed=SEEDS)
def test_engines_match_what_the_rules_describe(engine: Engine, seed: int) -> None:
    check(engine, seed)


@pytest.mark.drill
@many(LONG)
@given(seed=SEEDS)
def test_engines_match_what_many_rules_describe(engine: Engine, seed: int) -> None:
    check(engine, seed)

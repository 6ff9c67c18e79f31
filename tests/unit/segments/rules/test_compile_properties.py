"""Compiled rules match the profiles that a plain evaluation in Python matches, in every engine that runs here."""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segments.rules.compile import CompileContext, UnsupportedRule, compile_rules, to_sql
from segments.rules.tree import problems
from tests.support import random_rules
from tests.support.random_rules import TYPES, random_members, random_pool, random_profiles, with_values
from tests.support.rules_engines import ATTRIBUTES, DuckDB, Engine, PostgreSQL, SQLite, members_query
from tests.support.rules_evaluation import Evaluator

QUICK, LONG = 8, int(os.environ.get("RULES", "300"))
some_rules = given(
    trees=st.lists(random_rules.single_conditions() | random_rules.trees, min_size=12, max_size=12),
    moment_and_zone=random_rules.moments_and_zones(),
    seed=st.integers(0, 2**32),
)


def many(examples: int) -> settings:
    """Without shrinking, which takes minutes; the message has the condition and the profiles."""
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


def check(engine: Engine, trees: list[dict[str, Any]], moment: datetime, zone: ZoneInfo, seed: int) -> None:
    """Compare what an engine matches with what the evaluation does."""
    context = CompileContext(moment, zone, members_query)
    pool = random_pool(seed, moment, zone)
    trees = [without_unsupported(with_values(tree, pool), engine.dialect, context) for tree in trees]
    assert [problems(tree, TYPES) for tree in trees] == [[]] * len(trees)
    profiles, members = random_profiles(seed, pool), random_members(seed)
    engine.fill(profiles, members)
    conditions = [to_sql(compile_rules(tree, ATTRIBUTES, context), engine.dialect) for tree in trees]
    evaluator = Evaluator(TYPES, moment, zone, members)
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
@some_rules
def test_engines_match_what_the_rules_describe(
    engine: Engine, trees: list[dict[str, Any]], moment_and_zone: tuple[datetime, ZoneInfo], seed: int
) -> None:
    check(engine, trees, *moment_and_zone, seed)


@pytest.mark.drill
@many(LONG)
@some_rules
def test_engines_match_what_many_rules_describe(
    engine: Engine, trees: list[dict[str, Any]], moment_and_zone: tuple[datetime, ZoneInfo], seed: int
) -> None:
    check(engine, trees, *moment_and_zone, seed)

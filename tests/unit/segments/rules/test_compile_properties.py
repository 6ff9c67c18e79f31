"""Compiled rules match the profiles that a plain evaluation in Python matches, in every engine that runs here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segments.rules.compile import CompileContext, compile_rules, to_sql
from segments.rules.tree import problems
from tests.support import random_rules
from tests.support.random_rules import TYPES, ZONES, random_members, random_profiles, with_days
from tests.support.rules_engines import ATTRIBUTES, DuckDB, Engine, members_query
from tests.support.rules_evaluation import Evaluator

some_rules = given(
    tree=random_rules.trees,
    moment=random_rules.moments,
    zone=st.sampled_from(ZONES),
    seed=st.integers(0, 2**32),
)


def check(engine: Engine, tree: Mapping[str, Any], moment: datetime, zone: ZoneInfo, seed: int) -> None:
    """Compare what an engine matches with what the evaluation does."""
    tree = with_days(tree, moment, zone)
    assert problems(tree, TYPES) == []
    profiles, members = random_profiles(seed, moment, zone), random_members(seed)
    engine.fill(profiles, members)
    where = to_sql(compile_rules(tree, ATTRIBUTES, CompileContext(moment, zone, members_query)), engine.dialect)
    evaluator = Evaluator(TYPES, moment, zone, members)
    expected = {profile["id"]: evaluator.matches(tree, profile) for profile in profiles}
    found = engine.find(where)
    wrong = [
        (profile, found[profile["id"]]) for profile in profiles if found[profile["id"]] != expected[profile["id"]]
    ]
    assert wrong == [], where


@pytest.fixture(scope="module")
def duckdb_engine() -> DuckDB:
    return DuckDB()


@settings(
    deadline=None,
    max_examples=60,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@some_rules
def test_duckdb(duckdb_engine: DuckDB, tree: dict[str, Any], moment: datetime, zone: ZoneInfo, seed: int) -> None:
    check(duckdb_engine, tree, moment, zone, seed)

"""The SQL of rules finds what a plain evaluation of the rules finds."""

import itertools
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segments.models import AttributeType, DataSource
from segments.rules import operators
from segments.rules import tree as rules_tree
from segments.rules.operators import operators_of_editor
from segments.rules.values import MAX_VALUE_LENGTH, Takes
from tests.support import random_rules
from tests.support.profiles import create_profile
from tests.support.random_rules import ZONES
from tests.support.rules_evaluation import Evaluator

TODAY = date(2024, 3, 10)
ATTRIBUTE_TYPES = {
    "city": AttributeType.TEXT,
    "points": AttributeType.NUMBER,
    "born": AttributeType.DATE,
    "newsletter": AttributeType.BOOLEAN,
}
TEXTS = ["Łódź", "łódź", "Lodz", "100%", "a_b", "O'Connor", 'say "hi"', "back\\slash", "李", "Lo"]
NUMBERS = [-2, 0, 1, 1.5, 10, 999999999999999]
DAYS = [TODAY + timedelta(days=days) for days in (-400, -30, -7, -1, 0, 1)]
PEOPLE: list[dict[str, Any]] = [
    {name: value for name, value in zip(ATTRIBUTE_TYPES, values, strict=True) if value is not None}
    for values in itertools.islice(
        itertools.product(
            [*TEXTS, None], [*NUMBERS, None], [*(day.isoformat() for day in DAYS), None], [True, False, None]
        ),
        0,
        None,
        7,
    )
]


def matches(tree: Mapping[str, Any], person: Mapping[str, Any]) -> bool:
    """Evaluate rules for a profile without a database."""
    parts = [part for rule in tree.get("rules", []) if (part := matches_rule(rule, person)) is not None]
    return (any(parts) if tree.get("join") == "or" else all(parts)) if parts else True


def says_something(tree: Mapping[str, Any]) -> bool:
    return any("rules" not in rule or says_something(rule) for rule in tree.get("rules", []))


def matches_rule(rule: Mapping[str, Any], person: Mapping[str, Any]) -> bool | None:
    if "rules" in rule:
        return matches(rule, person) if says_something(rule) else None
    found, wanted, operator = person.get(rule["attribute"]), rule.get("value"), rule["operator"]
    if operator in ("has_value", "has_none"):
        return bool((found is None) == (operator == "has_none"))
    if operator in ("is_yes", "is_no"):
        return bool(found is (operator == "is_yes"))
    data_type = ATTRIBUTE_TYPES[rule["attribute"]]
    if data_type == AttributeType.TEXT:
        return matches_text(operator, found, wanted, bool(rule.get("ignore_case")))
    if data_type == AttributeType.NUMBER:
        return matches_number(operator, found, wanted)
    return matches_date(operator, found, wanted)


def matches_text(operator: str, found: str | None, wanted: Any, ignore_case: bool) -> bool:
    if found is None:
        return operator == "is_not"
    fold = str.lower if ignore_case else str
    x = fold(found)
    v: Any = [fold(w) for w in wanted] if operator == "any_of" else fold(wanted)
    return bool(
        (operator == "is" and x == v)
        or (operator == "is_not" and x != v)
        or (operator == "any_of" and isinstance(v, list) and x in v)
        or (operator == "contains" and v in x)
        or (operator == "starts_with" and x.startswith(v))
        or (operator == "ends_with" and x.endswith(v))
    )


def matches_number(operator: str, found: Any, wanted: Any) -> bool:
    if found is None:
        return operator == "!="
    x = Decimal(str(found))
    if operator == "between":
        return Decimal(str(wanted[0])) <= x <= Decimal(str(wanted[1]))
    v = Decimal(str(wanted))
    return {"=": x == v, "!=": x != v, "<": x < v, "<=": x <= v, ">": x > v, ">=": x >= v}[operator]


def matches_date(operator: str, found: str | None, wanted: Any) -> bool:
    if found is None:
        return False
    x = date.fromisoformat(found)
    if operator == "within_last_days":
        return TODAY - timedelta(days=int(wanted)) <= x <= TODAY
    if operator == "between":
        return date.fromisoformat(wanted[0]) <= x <= date.fromisoformat(wanted[1])
    v = date.fromisoformat(wanted)
    return x < v if operator == "before" else x > v


def values_for(attribute: str, takes: Takes) -> st.SearchStrategy[Any]:
    one: st.SearchStrategy[Any] = {
        "city": st.sampled_from([*TEXTS, "ó", "od", "_", "%", "\\"]),
        "points": st.one_of(st.sampled_from(NUMBERS), st.sampled_from(["1.50", "-2", "10"])),
        "born": st.sampled_from([day.isoformat() for day in DAYS]),
        "newsletter": st.none(),
    }[attribute]
    return {
        Takes.NOTHING: st.none(),
        Takes.ONE: one,
        Takes.MANY: st.lists(one, min_size=1, max_size=3),
        Takes.TWO: st.tuples(one, one).map(
            lambda pair: sorted(pair, key=lambda v: Decimal(str(v)) if attribute == "points" else v)
        ),
        Takes.DAYS: st.sampled_from([1, 7, "30", 36525]),
    }[takes]


@st.composite
def some_conditions(draw: st.DrawFn) -> dict[str, Any]:
    attribute = draw(st.sampled_from(list(ATTRIBUTE_TYPES)))
    operator = draw(st.sampled_from(operators_of_editor(ATTRIBUTE_TYPES[attribute])))
    return {
        "attribute": attribute,
        "operator": operator.key,
        "value": draw(values_for(attribute, operator.takes)),
        "ignore_case": draw(st.booleans()),
    }


def some_groups(rule: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"join": st.sampled_from(["and", "or"]), "rules": st.lists(rule, max_size=3)})


some_trees = some_groups(
    st.one_of(some_conditions(), some_groups(st.one_of(some_conditions(), some_groups(some_conditions()))))
)


@pytest.fixture
def people(db: None) -> None:
    source = DataSource.objects.create(name="people", key_column="key")
    for number, attributes in enumerate(PEOPLE):
        create_profile(source, str(number), attributes)


def found(tree: Mapping[str, Any]) -> set[int]:
    sql, values = rules_tree.where_sql(tree, ATTRIBUTE_TYPES, today=TODAY)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT key FROM segments_profile WHERE {sql}", values)
        return {int(key) for (key,) in cursor.fetchall()}


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=some_trees)
def test_the_database_finds_the_profiles_that_the_rules_describe(people: None, tree: dict[str, Any]) -> None:
    assert found(tree) == {number for number, person in enumerate(PEOPLE) if matches(tree, person)}


@pytest.mark.parametrize(
    "tree", [{}, rules_tree.EVERYONE, {"join": "or", "rules": [{"join": "and", "rules": []}]}]
)
def test_no_rules_mean_everyone(tree: dict[str, Any]) -> None:
    assert rules_tree.where_sql(tree, ATTRIBUTE_TYPES, today=TODAY) == ("TRUE", [])
    assert operators.describe_rules(tree) == "All customers"


def test_values_never_become_sql() -> None:
    tree = {"rules": [{"attribute": "city", "operator": "is", "value": "'; DROP TABLE segments_profile; --"}]}
    sql, values = rules_tree.where_sql(tree, ATTRIBUTE_TYPES, today=TODAY)
    assert "DROP" not in sql
    assert values == ["city", "'; DROP TABLE segments_profile; --"]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({}, "Choose an attribute"),
        ({"attribute": "shoe"}, "no attribute “shoe”"),
        ({"attribute": "city"}, "Choose a comparison for “city”"),
        ({"attribute": "city", "operator": ">=", "value": "1"}, "Choose a comparison for"),
        ({"attribute": "city", "operator": "is"}, "Enter a value"),
        ({"attribute": "city", "operator": "is", "value": "\0"}, "profiles cannot contain"),
        ({"attribute": "city", "operator": "any_of", "value": []}, "at least one"),
        ({"attribute": "city", "operator": "any_of", "value": "Lodz"}, "at least one"),
        ({"attribute": "points", "operator": "=", "value": "many"}, "“many” is not a number"),
        ({"attribute": "points", "operator": "=", "value": "NaN"}, "not a number"),
        ({"attribute": "points", "operator": "=", "value": "1e999999"}, "not a number"),
        ({"attribute": "points", "operator": "between", "value": [5, 1]}, "greater than the second"),
        ({"attribute": "points", "operator": "between", "value": 5}, "two values"),
        ({"attribute": "born", "operator": "before", "value": "2024-02-30"}, "YYYY-MM-DD"),
        ({"attribute": "born", "operator": "between", "value": ["2024-02-02", "2024-01-01"]}, "must not be after"),
        ({"attribute": "born", "operator": "within_last_days", "value": "0"}, "from 1 to"),
        ({"attribute": "born", "operator": "within_last_days", "value": "a week"}, "whole number of days"),
        ({"join": "xor", "rules": []}, "“and” or “or”"),
        ({"segment": "7", "operator": "member"}, "Choose a segment"),
        ({"segment": 9, "operator": "member"}, "no segment with the ID 9"),
        ({"segment": 7, "operator": "is"}, "“member” or “not member”"),
        ({"attribute": "city", "operator": "is", "other_attribute": "shoe"}, "no attribute “shoe”"),
        ({"attribute": "city", "operator": "is", "other_attribute": None}, "Choose an attribute"),
        ({"attribute": "city", "operator": "is", "other_attribute": "points"}, "has another type"),
        ({"attribute": "city", "operator": "any_of", "other_attribute": "city"}, "needs a value instead"),
        ("city", "a condition or a group"),
        ({"rules": "city"}, "must be a list"),
    ],
)
def test_it_says_what_is_wrong_with_each_condition(condition: Any, words: str) -> None:
    good = {"attribute": "newsletter", "operator": "is_yes"}
    (problem,) = rules_tree.problems({"join": "and", "rules": [good, condition]}, ATTRIBUTE_TYPES, segments=[7])
    assert words in problem.message
    assert problem.path == (1,)


@pytest.mark.parametrize(
    "rule",
    [
        {"attribute": "city", "operator": "none_of", "value": ["x"]},
        {"attribute": "city", "operator": "is", "other_attribute": "city"},
        {"segment": 7, "operator": "member"},
        {"join": "except", "rules": [{"attribute": "city", "operator": "has_value"}]},
    ],
)
def test_what_the_sql_over_attributes_cannot_express_is_refused(rule: dict[str, Any]) -> None:
    tree = {"join": "and", "rules": [rule]}
    assert rules_tree.problems(tree, ATTRIBUTE_TYPES) == []
    with pytest.raises(rules_tree.InvalidRules, match="cannot be computed yet"):
        rules_tree.where_sql(tree, ATTRIBUTE_TYPES, today=TODAY)


def test_it_points_at_the_condition_inside_its_group() -> None:
    tree = {"rules": [{"rules": [{"attribute": "city", "operator": "has_value"}, {"attribute": "shoe"}]}]}
    assert [problem.path for problem in rules_tree.problems(tree, ATTRIBUTE_TYPES)] == [(0, 1)]


def test_it_refuses_groups_without_end() -> None:
    tree: dict[str, Any] = {"rules": []}
    for _ in range(20):
        tree = {"rules": [tree]}
    assert "too deeply" in rules_tree.problems(tree, ATTRIBUTE_TYPES)[0].message


def test_it_refuses_conditions_without_end() -> None:
    tree = {"rules": [{"attribute": "city", "operator": "has_value"}] * 201}
    assert "at most 200" in rules_tree.problems(tree, ATTRIBUTE_TYPES)[0].message


@pytest.mark.parametrize("operator", ["is", "any_of"])
def test_a_value_that_is_too_long_is_refused(operator: str) -> None:
    value = "x" * (MAX_VALUE_LENGTH + 1)
    tree = {
        "rules": [{"attribute": "city", "operator": operator, "value": [value] if operator == "any_of" else value}]
    }
    assert [problem.message for problem in rules_tree.problems(tree, ATTRIBUTE_TYPES)] == [
        "Enter at most 500 characters."
    ]


CITY_IS = {"attribute": "city", "operator": "is", "value": "Turku"}
POINTS_OVER = {"attribute": "points", "operator": ">", "value": 5}


MOMENT = datetime(2024, 3, 10, tzinfo=UTC)


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**64))
def test_it_knows_whether_a_profile_without_values_may_match(seed: int) -> None:
    tree = random_rules.Example(random.Random(seed)).tree()
    none, one = frozenset[int](), frozenset([0])
    found = {
        Evaluator(random_rules.TYPES, MOMENT, ZONES[0], {1: first, 2: second}).matches(tree, {"id": 0})
        for first in (none, one)
        for second in (none, one)
    }
    names_segments = any("segment" in condition for condition in rules_tree.conditions(tree))
    assert rules_tree.matches_without_values(tree) or True not in found
    assert names_segments or found == {rules_tree.matches_without_values(tree)}


@pytest.mark.parametrize(
    ("tree", "columns", "expected"),
    [
        ({"rules": [CITY_IS]}, ["email", "city"], True),
        ({"rules": [CITY_IS]}, ["email", "points"], False),
        ({"join": "and", "rules": [CITY_IS, POINTS_OVER]}, ["points"], True),
        ({"rules": [{"attribute": "city", "operator": "is_not", "value": "Turku"}]}, ["email"], True),
        ({}, ["email"], True),
        ({"rules": [CITY_IS]}, [], True),
        ({"rules": [{"attribute": "city", "operator": "is", "other_attribute": "town"}]}, ["town"], True),
        ({"rules": [{"segment": 1, "operator": "member"}]}, ["email"], True),
        ({"join": "except", "rules": [CITY_IS, {"rules": []}]}, ["email"], False),
        ({"join": "except", "rules": [{"rules": []}, CITY_IS]}, ["email"], True),
    ],
    ids=[
        "its attribute",
        "another attribute",
        "one of two",
        "a negation",
        "everyone",
        "nothing known",
        "the other attribute",
        "another segment",
        "except of some",
        "except of everyone",
    ],
)
def test_it_knows_whether_a_source_may_provide_members(
    tree: dict[str, Any], columns: list[str], expected: bool
) -> None:
    assert rules_tree.can_match_source(tree, columns) is expected

"""A column plan is stored as plain values, and read back."""

import json
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.sources.column_plan import (
    ColumnFormat,
    ColumnPlan,
    ColumnType,
    MisfitPolicy,
    plans_from_list,
    plans_to_list,
)

FORMATS = st.builds(
    ColumnFormat,
    date_format=st.sampled_from(["", "%d.%m.%Y", "%Y年%m月%d日"]),
    time_zone=st.sampled_from(["", "Europe/Helsinki"]),
    decimal=st.sampled_from(".,"),
    thousands=st.sampled_from(["", " ", "'"]),
    decimals=st.none() | st.integers(0, 15),
    true_word=...,
    false_word=...,
    separator=...,
)
PLANS = st.builds(
    ColumnPlan,
    column=st.text(min_size=1),
    format=FORMATS,
    type=...,
    null_words=...,
    misfit=...,
    is_email=...,
    is_consent=...,
    is_searchable=...,
    is_ignored=...,
)


@settings(deadline=None)
@given(st.lists(PLANS, max_size=3, unique_by=lambda plan: plan.column))
def test_plans_survive_json_and_yaml(plans: list[ColumnPlan]) -> None:
    plans = [ColumnPlan.from_dict({**plan.to_dict(), "attribute": f"a{n}"}) for n, plan in enumerate(plans)]
    assert plans_from_list(json.loads(json.dumps(plans_to_list(plans)))) == tuple(plans)
    assert plans_from_list(yaml.safe_load(yaml.safe_dump(plans_to_list(plans)))) == tuple(plans)


def test_only_what_differs_from_the_default_is_written() -> None:
    plan = ColumnPlan("Born", type=ColumnType.DATE, format=ColumnFormat(date_format="%d.%m.%Y"), null_words=("-",))
    assert plan.attribute == "Born"
    assert plan.to_dict() == {
        "column": "Born",
        "type": "date",
        "format": {"date_format": "%d.%m.%Y"},
        "null_words": ["-"],
    }
    assert ColumnPlan.from_dict({"column": "x", "misfit": "reject"}).misfit is MisfitPolicy.REJECT


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"column": ""},
        {"column": 5},
        {"column": "x", "colour": "red"},
        {"column": "x", "type": "whole"},
        {"column": "x", "format": {"order": "dmy"}},
    ],
)
def test_what_is_no_plan_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        ColumnPlan.from_dict(values)


@pytest.mark.parametrize(
    "values",
    [
        [{"column": "x"}, {"column": "x", "attribute": "y"}],
        [{"column": "x", "attribute": "Mail"}, {"column": "y", "attribute": "mail"}],
    ],
)
def test_a_column_and_an_attribute_are_named_once(values: list[dict[str, object]]) -> None:
    with pytest.raises(ValueError, match="twice"):
        plans_from_list(values)
    assert len(plans_from_list([values[0], {**values[1], "is_ignored": True, "column": "z"}])) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"date_format": "%Q"},
        {"date_format": "%d\0"},
        {"time_zone": "Mars/Olympus"},
        {"decimal": ""},
        {"decimal": ",", "thousands": ","},
        {"thousands": "--"},
        {"decimals": 16},
        {"decimals": -1},
    ],
)
def test_a_format_that_cannot_be_converted_by_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ColumnPlan.from_dict({"column": "x", "format": values})


@pytest.mark.parametrize("pattern", ["%d.%m.%Y", "%b %d, %Y", "%Y年%m月%d日", "%Y-%m-%dT%H:%M:%SZ", "%-d/%-m/%y"])
def test_duckdb_reads_by_the_patterns_that_are_accepted(pattern: str) -> None:
    ColumnFormat(date_format=pattern)
    with duckdb.connect(":memory:") as connection:
        assert connection.execute("SELECT try_strptime('x', ?)", [pattern]).fetchall() == [(None,)]

"""A column plan is stored as plain values, and read back."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from segments.sources.column_plan import (
    ColumnFormat,
    ColumnPlan,
    ColumnType,
    MisfitPolicy,
    plans_from_list,
    plans_to_list,
)


@given(
    st.lists(
        st.from_type(ColumnPlan).filter(lambda plan: plan.column), max_size=3, unique_by=lambda plan: plan.column
    )
)
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

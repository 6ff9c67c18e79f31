"""Case 6: lists of options written as JSON array, with commas or bars, or with options that hold a semicolon."""

import pytest

from exports.models import Export
from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

OPTIONS = ["Tea", "Milk", "Salt; pepper", "Tea, green"]


def exported(account: RunningSandbox, value: str, **answers: str) -> tuple[int, list[str]]:
    """How many contacts lack a value, and the options that the list holds of the one contact."""
    create_profiles([{"email": "ann@example.com", "likes": value}])
    list_id = account.create_list("Shop", fields=[("Likes", "MultiSelectMany", OPTIONS)])
    exports.export_to(
        account,
        exports.sandbox_connection(account),
        exports.segment_of_everyone(),
        list_id=list_id,
        mapping=[{"attribute": "likes", "field": "[Likes]"}],
    )
    Export.objects.update(answers={"consent_to_track": "unchanged"} | answers)
    result = run_export()
    assert (result["delivered"], result["invalid"]) == (1, 0)
    (person,) = account.people(list_id)
    return int(result["incomplete"]), sorted(entry["Value"] for entry in person["CustomFields"])


@pytest.mark.parametrize(
    "value", ['["Tea", "Milk"]', "Tea,Milk", "Tea, Milk", "Tea|Milk", "Tea;Milk", "Tea\nMilk", "tea; MILK"]
)
def test_the_separator_is_detected_by_the_options_of_the_field(account: RunningSandbox, value: str) -> None:
    assert exported(account, value) == (0, ["Milk", "Tea"])


def test_an_option_may_hold_a_semicolon(account: RunningSandbox) -> None:
    assert exported(account, "Salt; pepper;Milk") == (0, ["Milk", "Salt; pepper"])


@pytest.mark.parametrize(
    ("value", "expected"), [("Tea|Tea, green", (0, ["Tea", "Tea, green"])), ("Tea;Milk", (1, []))]
)
def test_a_chosen_separator_is_the_only_one(
    account: RunningSandbox, value: str, expected: tuple[int, list[str]]
) -> None:
    assert exported(account, value, option_separator="bar") == expected

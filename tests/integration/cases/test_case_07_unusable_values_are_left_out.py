"""Case 7: one optional value of a contact is unusable: a date out of range, a long text, an unknown option, no
mobile number."""

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Export, Run
from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import change_profile, create_profiles, get_profile
from tests.support.sandbox import RunningSandbox

Field = tuple[str, str] | tuple[str, str, list[str]]

LONG = "x" * 251
PEOPLE = [
    {"email": "ann@example.com", "name": "Ann", "birthday": "1850-01-01", "color": "Red"},
    {"email": "bo@example.com", "name": "Bo", "birthday": "1990-05-01", "color": "Pink"},
    {"email": "cid@example.com", "name": "Cid", "birthday": "1990-05-02", "note": LONG},
    {"email": "dan@example.com", "name": "Dan", "birthday": "1990-05-03", "color": "Red"},
]


@pytest.fixture
def list_id(account: RunningSandbox) -> str:
    create_profiles(PEOPLE)
    fields: list[Field] = [("Birthday", "Date"), ("Color", "MultiSelectOne", ["Red", "Blue"]), ("Note", "Text")]
    return account.create_list("Shop", fields=fields)


@pytest.fixture
def export(account: RunningSandbox, list_id: str) -> Export:
    return exports.export_to(
        account,
        exports.sandbox_connection(account),
        exports.segment_of_everyone(),
        list_id=list_id,
        mapping=[
            {"attribute": "name", "field": "name"},
            {"attribute": "birthday", "field": "[Birthday]"},
            {"attribute": "color", "field": "[Color]"},
            {"attribute": "note", "field": "[Note]"},
        ],
    )


def values_on(account: RunningSandbox, list_id: str) -> dict[str, dict[str, str]]:
    return {
        person["EmailAddress"]: {entry["Key"].strip("[]"): entry["Value"] for entry in person["CustomFields"]}
        for person in account.people(list_id)
    }


def test_a_contact_is_sent_without_the_value_which_is_counted_and_listed(
    alice_client: Client, account: RunningSandbox, list_id: str, export: Export
) -> None:
    result = run_export()
    assert (result.code, result["delivered"], result["invalid"], result["incomplete"]) == (0, 4, 0, 3)
    found = values_on(account, list_id)
    assert found["ann@example.com"] == {"Color": "Red"}
    assert "Color" not in found["bo@example.com"]
    assert "Note" not in found["cid@example.com"]
    run = Run.objects.get()
    assert "3 contacts were delivered without a value" in run.message
    page = alice_client.get(reverse("exports:contacts", args=[run.pk]), {"kind": "incomplete"}).content.decode()
    assert "“Birthday” requires a date from 1900-01-01 to 2076-06-06" in page
    assert "“Color” has no option for the value" in page
    assert "“Note” allows at most 250 characters" in page


def test_contacts_without_a_value_are_unchanged_in_the_next_run_and_listed_again(
    account: RunningSandbox, export: Export
) -> None:
    run_export()
    again = run_export()
    assert (again["delivered"], again["unchanged"], again["incomplete"]) == (0, 4, 3)
    assert again["reason"] != "nothing_changed"


def test_the_value_is_sent_as_soon_as_the_list_has_the_option(
    account: RunningSandbox, list_id: str, export: Export
) -> None:
    run_export()
    options = {"Options": ["Pink"], "KeepExistingOptions": True}
    account.api("PUT", f"/lists/{list_id}/customfields/%5BColor%5D/options.json", json=options).raise_for_status()
    again = run_export()
    assert (again["delivered"], again["unchanged"], again["incomplete"]) == (1, 3, 2)
    assert values_on(account, list_id)["bo@example.com"]["Color"] == "Pink"


def test_a_corrected_value_is_sent_and_no_longer_listed(
    account: RunningSandbox, list_id: str, export: Export
) -> None:
    run_export()
    change_profile(get_profile(name="Ann"), birthday="1950-01-01")
    again = run_export()
    assert (again["delivered"], again["unchanged"], again["incomplete"]) == (1, 3, 2)
    assert values_on(account, list_id)["ann@example.com"]["Birthday"] == "1950-01-01"


def test_an_export_may_exclude_the_contact_instead(account: RunningSandbox, list_id: str, export: Export) -> None:
    Export.objects.update(answers={**export.answers, "unusable_values": "exclude"})
    result = run_export()
    assert (result["delivered"], result["invalid"], result["incomplete"]) == (1, 3, 0)
    assert set(values_on(account, list_id)) == {"dan@example.com"}


@pytest.mark.parametrize("number", ["12", "not a number"])
def test_a_mobile_number_that_is_none_is_left_out(account: RunningSandbox, number: str) -> None:
    create_profiles([{"email": "ann@example.com", "mobile": number}])
    exports.export_to(
        account,
        exports.sandbox_connection(account),
        exports.segment_of_everyone(),
        list_id=account.create_list("Numbers"),
        mapping=[{"attribute": "mobile", "field": "mobile_number"}],
    )
    Export.objects.update(answers={"consent_to_track": "unchanged", "consent_to_send_sms": "yes"})
    result = run_export()
    assert (result["delivered"], result["invalid"], result["incomplete"]) == (1, 0, 1)

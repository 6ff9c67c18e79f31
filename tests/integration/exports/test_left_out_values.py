"""Values that a list cannot hold, where several exports or interrupted runs are involved."""

from collections.abc import Mapping
from typing import Any

import pytest
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.models import Export, Run
from tests.integration.cases.conftest import RunOutput, run_export
from tests.support import exports
from tests.support.profiles import change_profile, create_profiles, get_profile
from tests.support.sandbox import RunningSandbox

PEOPLE = [
    {"email": "ann@example.com", "city": "Turku", "color": "Pink"},
    {"email": "bo@example.com", "city": "Vaasa", "color": "Red"},
]
COLOR = {"attribute": "color", "field": "[Color]"}
CITY = {"attribute": "city", "field": "[City]"}


@pytest.fixture
def account(settings: Settings, sandbox: RunningSandbox, transactional_db: None) -> RunningSandbox:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return sandbox


@pytest.fixture
def list_id(account: RunningSandbox) -> str:
    create_profiles(PEOPLE)
    exports.sandbox_connection(account)
    return account.create_list("Shop", fields=[("Color", "MultiSelectOne", ["Red", "Blue"]), ("City", "Text")])


def export_to(account: RunningSandbox, list_id: str, name: str, *mapping: Mapping[str, str]) -> Export:
    connection, everyone = Connection.objects.get(), exports.segment_of_everyone()
    return exports.export_to(account, connection, everyone, list_id=list_id, mapping=mapping, name=name)


def add_pink(account: RunningSandbox, list_id: str) -> None:
    options = {"Options": ["Pink"], "KeepExistingOptions": True}
    account.api("PUT", f"/lists/{list_id}/customfields/%5BColor%5D/options.json", json=options).raise_for_status()


def color_of_ann(account: RunningSandbox, list_id: str) -> Any:
    ann = next(person for person in account.people(list_id) if person["EmailAddress"] == "ann@example.com")
    return {entry["Key"]: entry["Value"] for entry in ann["CustomFields"]}.get("[Color]") or {
        entry["Key"]: entry["Value"] for entry in ann["CustomFields"]
    }.get("Color")


def figures(run: RunOutput) -> tuple[int, int]:
    return run["delivered"], run["incomplete"]


def test_an_export_of_other_fields_does_not_list_values_that_it_does_not_send(
    account: RunningSandbox, list_id: str
) -> None:
    export_to(account, list_id, "Colors", COLOR)
    export_to(account, list_id, "Cities", CITY)
    assert figures(run_export("Cities")) == (2, 0)
    assert figures(run_export("Colors")) == (2, 1)
    assert figures(run_export("Cities")) == (0, 0)
    assert figures(run_export("Colors")) == (0, 1)


def test_an_export_of_other_fields_does_not_take_a_left_out_value_for_sent(
    account: RunningSandbox, list_id: str
) -> None:
    export_to(account, list_id, "Colors", COLOR)
    export_to(account, list_id, "Cities", CITY)
    run_export("Colors")
    run_export("Cities")
    assert figures(run_export("Colors")) == (0, 1)
    add_pink(account, list_id)
    assert figures(run_export("Colors")) == (1, 0)
    assert color_of_ann(account, list_id) == "Pink"


def test_a_value_left_out_by_a_run_that_failed_is_sent_once_the_list_has_the_option(
    account: RunningSandbox, list_id: str
) -> None:
    export_to(account, list_id, "Colors", COLOR)
    run_export("Colors")
    Run.objects.update(status=JobStatus.FAILED)
    add_pink(account, list_id)
    assert figures(run_export("Colors")) == (1, 0)
    assert color_of_ann(account, list_id) == "Pink"


def test_the_run_names_the_fields_of_values_that_were_left_out(account: RunningSandbox, list_id: str) -> None:
    export_to(account, list_id, "Colors", COLOR, CITY)
    change_profile(get_profile(email="bo@example.com"), color="Green", city="x" * 251)
    run = run_export("Colors")
    assert run["left_out"] == {"Color": 2, "City": 1}
    assert (
        run["message"]
        == "2 contacts were delivered without a value that the list cannot hold: Color (2), City (1)."
    )


def test_contacts_on_the_list_without_a_value_are_excluded_once_the_export_excludes_them(
    account: RunningSandbox, list_id: str
) -> None:
    export = export_to(account, list_id, "Colors", COLOR)
    assert figures(run_export("Colors")) == (2, 1)
    export.answers = export.answers | {"unusable_values": "exclude"}
    export.save()
    for _each in range(2):
        run = run_export("Colors")
        assert (figures(run), run["invalid"], run["unchanged"]) == ((0, 0), 1, 1)

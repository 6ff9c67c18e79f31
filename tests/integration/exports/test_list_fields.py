"""Making fields and options on the list from the pane."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections import actions as connection_actions
from connections.models import Connection, Limits
from exports.models import Export
from segments.models import Segment
from tests.support.sandbox import RunningSandbox

CREATE = "/data/exports/fields/create/"
OPTIONS = "/data/exports/fields/options/"
PARTS = "/data/exports/parts/?changed=rows"


@pytest.fixture
def typed(account: RunningSandbox, shared: Connection, everyone: Segment) -> dict[str, Any]:
    """A pane with the list chosen and one attribute added."""
    return {
        "connection": shared.pk,
        "list_id": account.create_list("Spring"),
        "email_attribute": "email",
        "map_attribute": ["city"],
        "map_field": [""],
    }


def fields(account: RunningSandbox, typed: dict[str, Any]) -> list[tuple[Any, ...]]:
    found = account.api("GET", f"/lists/{typed['list_id']}/customfields.json").json()
    return [(field["FieldName"], field["DataType"], field["FieldOptions"]) for field in found]


def shown(client: Client, url: str, typed: dict[str, Any]) -> str:
    answer = client.post(url, typed)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_refuses_a_viewer(charlie_client: Client) -> None:
    assert charlie_client.post(CREATE).status_code == 403
    assert charlie_client.post(OPTIONS).status_code == 403


def test_it_offers_to_make_a_field_for_an_attribute(bob_client: Client, typed: dict[str, Any]) -> None:
    offered = shown(bob_client, PARTS, typed)
    assert "Create field “City”" in offered
    assert '<option value="choice">One of several options · 5 options</option>' in offered


def test_it_makes_the_field_and_fills_the_row_with_it(
    bob_client: Client, bob: User, account: RunningSandbox, typed: dict[str, Any]
) -> None:
    after = shown(bob_client, f"{CREATE}?row=0", typed)
    assert fields(account, typed) == [("City", "Text", [])]
    assert '<option value="[City]" selected >City · text</option>' in after
    entry = AuditEntry.objects.get(action__endswith="field_created")
    assert entry.actor_id == bob.pk


def test_a_process_that_was_frozen_changes_no_list_when_it_wakes(
    bob_client: Client, account: RunningSandbox, typed: dict[str, Any], settings: Settings
) -> None:
    settings.LEASE_SECONDS = 0  # as if a lease had passed between the check and the request
    after = shown(bob_client, f"{CREATE}?row=0", typed)
    assert "The request timed out. The list was not changed." in after
    assert fields(account, typed) == []
    assert not AuditEntry.objects.filter(action__endswith="field_created").exists()


def test_it_makes_options_of_the_values_that_profiles_have(
    bob_client: Client, account: RunningSandbox, typed: dict[str, Any]
) -> None:
    shown(bob_client, f"{CREATE}?row=0", typed | {"new_type_0": "choice"})
    assert fields(account, typed) == [("City", "MultiSelectOne", ["Helsinki", "Iași", "Jakarta", "Łódź", "成都"])]


def make_field(account: RunningSandbox, typed: dict[str, Any], data_type: str) -> None:
    body = {"FieldName": "City", "DataType": data_type}
    account.api("POST", f"/lists/{typed['list_id']}/customfields.json", json=body).raise_for_status()


def test_two_clicks_make_one_field(bob_client: Client, account: RunningSandbox, typed: dict[str, Any]) -> None:
    shown(bob_client, PARTS, typed)
    make_field(account, typed, "Text")  # the first click, of which the second does not know yet
    assert '<option value="[City]" selected >' in shown(bob_client, f"{CREATE}?row=0", typed)
    assert fields(account, typed) == [("City", "Text", [])]


def test_it_makes_everything_that_the_list_lacks_at_once(
    bob_client: Client, account: RunningSandbox, typed: dict[str, Any]
) -> None:
    typed |= {"map_attribute": ["city", "first_name"], "map_field": ["[HomeTown]", ""]}
    assert "Create 2 fields" in shown(bob_client, PARTS, typed)
    after = shown(bob_client, CREATE, typed)
    assert fields(account, typed) == [("HomeTown", "Text", []), ("First name", "Text", [])]
    assert "has no field" not in after


def test_it_says_beside_the_row_what_the_list_does_not_take(
    bob_client: Client, account: RunningSandbox, typed: dict[str, Any]
) -> None:
    shown(bob_client, PARTS, typed)
    make_field(account, typed, "Number")  # by another user meanwhile
    after = shown(bob_client, f"{CREATE}?row=0", typed)
    assert "already has a field with this name" in after
    assert not AuditEntry.objects.filter(action__endswith="field_created").exists()


def test_it_tells_values_that_are_no_options_and_adds_them(
    bob_client: Client, account: RunningSandbox, typed: dict[str, Any]
) -> None:
    field = {"FieldName": "City", "DataType": "MultiSelectOne", "Options": ["helsinki", "Oslo"]}
    account.api("POST", f"/lists/{typed['list_id']}/customfields.json", json=field)
    typed["map_field"] = ["[City]"]
    assert "not options of this field: Iași, Jakarta, Łódź, 成都" in shown(bob_client, PARTS, typed)
    after = shown(bob_client, f"{OPTIONS}?row=0", typed)
    assert "not options of this field" not in after
    options = ["helsinki", "Oslo", "Iași", "Jakarta", "Łódź", "成都"]
    assert fields(account, typed) == [("City", "MultiSelectOne", options)]
    assert AuditEntry.objects.filter(action__endswith="options_added").count() == 1


def test_it_makes_nothing_of_an_attribute_that_may_not_leave(
    bob_client: Client, alice: User, account: RunningSandbox, shared: Connection, typed: dict[str, Any]
) -> None:
    connection_actions.set_limits(by=alice, connection=shared, limits=Limits(withheld=("city",)))
    shown(bob_client, f"{CREATE}?row=0", typed)
    assert fields(account, typed) == []


def test_it_makes_nothing_over_a_connection_that_is_not_shared(
    bob_client: Client, account: RunningSandbox, private: Connection, typed: dict[str, Any]
) -> None:
    shown(bob_client, f"{CREATE}?row=0", typed | {"connection": private.pk})
    assert fields(account, typed) == []


def test_it_makes_nothing_for_an_export_of_another_user(bob_client: Client, board: Export) -> None:
    assert bob_client.post(f"{CREATE}?row=0&export={board.pk}").status_code == 403


def test_the_rows_cost_the_same_however_many_there_are(
    bob_client: Client, typed: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    shown(bob_client, PARTS, typed)
    with django_assert_max_num_queries(40) as few:
        shown(bob_client, PARTS, typed)
    with django_assert_max_num_queries(len(few.captured_queries)):
        shown(bob_client, PARTS, typed | {"map_attribute": ["city", "first_name"] * 5, "map_field": [""] * 10})


CONTROL = "/data/exports/fields/control/"


def test_it_makes_a_field_for_the_control_group_and_chooses_it(
    bob_client: Client, account: RunningSandbox, typed: dict[str, Any]
) -> None:
    typed |= {"control_mode": "field", "control_percentage": "10"}
    assert "Create field “Control group”" in shown(bob_client, PARTS, typed)
    made = shown(bob_client, CONTROL, typed)
    assert '<option value="[Controlgroup]" selected>Control group</option>' in made
    assert "Create field “Control group”" not in made
    assert fields(account, typed) == [("Control group", "Text", [])]
    assert AuditEntry.objects.get(action="field_created").changes["field"] == [None, "Control group"]
    shown(bob_client, CONTROL, typed)
    assert len(fields(account, typed)) == 1


def test_it_says_why_no_field_for_the_control_group_was_made(
    bob_client: Client, shared: Connection, account: RunningSandbox, typed: dict[str, Any]
) -> None:
    Connection.objects.update(limits=Limits(lists=("f" * 32,)).keep())
    assert "The limits of the connection do not allow this list." in shown(bob_client, CONTROL, typed)
    assert fields(account, typed) == []


def test_it_offers_no_second_field_by_a_name_that_is_there(
    bob_client: Client, account: RunningSandbox, typed: dict[str, Any]
) -> None:
    make_field(account, typed, "Number")
    assert "Create field “City”" not in shown(bob_client, PARTS, typed)


def test_the_focus_goes_on_to_the_field_beside_the_button(bob_client: Client, typed: dict[str, Any]) -> None:
    after = shown(bob_client, f"{CREATE}?row=0", typed)
    assert "autofocus" in after.partition('id="map-field-0"')[2].partition(">")[0]

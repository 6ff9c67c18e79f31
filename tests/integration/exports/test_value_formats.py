"""Formats of mapped values: in the pane, in a run, and after a change."""

from typing import Any

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from connections.models import Connection, Limits
from exports.actions import attributes, preview
from exports.hooks import attribute_users
from exports.models import Export
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_export_pane import ADD, complete
from tests.integration.exports.test_export_pane_parts import parts
from tests.support.sandbox import RunningSandbox

# The fields of one mapped row after another, as the pane posts them.
FORMATS: dict[str, Any] = {
    "map_attribute": ["first_name", "="],
    "map_field": ["name", "[City]"],
    "map_join": ["city", ""],
    "map_separator": [" of ", ""],
    "map_case": ["upper", ""],
    "map_date_format": ["", ""],
    "map_default": ["FRIEND", "Everywhere"],
}
STORED = [
    {
        "attribute": "first_name",
        "field": "name",
        "join": "city",
        "separator": " of ",
        "case": "upper",
        "default": "FRIEND",
    },
    {"attribute": "", "field": "[City]", "default": "Everywhere"},
]


@pytest.fixture
def export(bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment) -> Export:
    bob_client.post(ADD, complete(account, shared, everyone, **FORMATS))
    return Export.objects.get()


def test_the_pane_shows_examples_before_and_after(bob_client: Client, everyone: Segment) -> None:
    shown = parts(bob_client, "rows", **FORMATS)
    assert "Ann, Helsinki → <b>ANN OF HELSINKI</b>" in shown
    assert 'value="Everywhere"' in shown


def test_values_as_they_are_have_plain_examples(bob_client: Client, everyone: Segment) -> None:
    shown = parts(bob_client, "rows", map_attribute="first_name", map_field="name")
    assert "Examples: Ann · Ben · Cid" in shown


def test_examples_are_for_users_who_may_see_personal_data(
    bob_client: Client, everyone: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    may = User.may
    monkeypatch.setattr(User, "may", lambda user, what: what != Permission.PERSONAL_DATA_SEE and may(user, what))
    assert "Examples" not in parts(bob_client, "rows", **FORMATS)


def test_formats_are_stored_and_shown_again(bob_client: Client, export: Export) -> None:
    assert export.mapping == STORED
    shown = bob_client.get(f"/data/exports/{export.pk}/").content.decode()
    assert '<option value="upper" selected>' in shown
    assert 'value=" of "' in shown


def test_a_constant_without_a_value_is_refused_beside_it(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    typed = complete(account, shared, everyone, **FORMATS | {"map_default": ["", ""]})
    assert "Enter the value for all contacts" in bob_client.post(ADD, typed).content.decode()
    assert not Export.objects.exists()


def test_a_joined_attribute_must_exist(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    typed = complete(account, shared, everyone, **FORMATS | {"map_join": ["nickname", ""]})
    assert "no attribute “nickname”" in bob_client.post(ADD, typed).content.decode()


def test_limits_of_the_connection_apply_to_joined_attributes(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    Connection.objects.update(limits=Limits(withheld=("city",)).keep())
    typed = complete(account, shared, everyone, **FORMATS)
    assert "block the attribute “city”" in bob_client.post(ADD, typed).content.decode()


def test_a_run_sends_formatted_values(account: RunningSandbox, export: Export) -> None:
    run_to_its_end(export)
    sent = {person["EmailAddress"]: person for person in account.people(export.list_id)}
    assert sent["ben@example.com"]["Name"] == "BEN OF ŁÓDŹ"
    assert {"Key": "City", "Value": "Everywhere"} in sent["ben@example.com"]["CustomFields"]


def test_another_format_sends_the_contacts_whose_values_change(account: RunningSandbox, export: Export) -> None:
    run_to_its_end(export)
    Export.objects.update(mapping=[STORED[0] | {"default": "YOU"}, STORED[1]])
    export.refresh_from_db()
    assert run_to_its_end(export).planned == 0
    Export.objects.update(mapping=[STORED[0] | {"case": "lower"}, STORED[1]])
    export.refresh_from_db()
    assert run_to_its_end(export).planned == 3


def test_a_joined_attribute_is_in_use_and_is_renamed_with_it(export: Export) -> None:
    assert "city" in {name for _usage, names in attribute_users._of_exports() for name in names}
    attributes.rename_attribute("city", "town", by=None)
    export.refresh_from_db()
    assert export.mapping[0]["join"] == "town"


def test_the_preview_shows_values_before_and_after(bob_client: Client, bob: User, export: Export) -> None:
    job = preview.request(export, by=bob)
    preview.work_out(job.pk)
    shown = bob_client.get(f"/data/exports/{export.pk}/preview/").content.decode()
    assert "<td>Ben, Łódź</td><td><b>BEN OF ŁÓDŹ</b></td>" in shown

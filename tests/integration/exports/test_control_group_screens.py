"""Choose a control group in the export pane, and see it in the preview, in the run and by command."""

import io
import re
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.test import Client

from config.platform.audit.models import AuditEntry
from config.platform.text.address_share import AddressShare
from connections.models import Connection
from exports.models import ControlMode, Export, ExportPreview
from exports.preview import summary
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_export_pane import ADD, complete, edit_url
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

HOLD_OUT = {"control_mode": "hold_out", "control_percentage": "10"}
EMAILS = ["ann@example.com", "ben@example.com", "cid@example.com"]


def salt_that_holds_out(*emails: str) -> str:
    """Find a salt by which these of EMAILS are in a control group of a half."""
    salts = (f"{number:x}" for number in range(1000))
    return next(salt for salt in salts if [*filter(AddressShare(salt, 50).contains, EMAILS)] == list(emails))


@pytest.fixture
def held_out(newsletter: Export) -> Export:
    """Bob's export, which holds out Ben."""
    newsletter.control_mode, newsletter.control_percentage = ControlMode.HOLD_OUT, 50
    newsletter.control_salt = salt_that_holds_out("ben@example.com")
    newsletter.save()
    return newsletter


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_pane_saves_the_control_group(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    assert bob_client.post(ADD, complete(account, shared, everyone, **HOLD_OUT)).status_code == 302
    export = Export.objects.get()
    assert (export.control_mode, export.control_percentage, export.control_field) == ("hold_out", 10, "")
    salt = export.control_salt
    shown = bob_client.get(edit_url(export)).content.decode()
    assert 'value="hold_out" checked' in shown
    assert 'name="control_percentage" min="1" max="50" step="1" inputmode="numeric" value="10"' in shown
    changed = HOLD_OUT | {"control_percentage": "20", "version": export.version}
    assert bob_client.post(edit_url(export), complete(account, shared, everyone, **changed)).status_code == 302
    export.refresh_from_db()
    assert (export.control_percentage, export.control_salt) == (20, salt)
    assert AuditEntry.objects.get(action="edited").changes["control_percentage"] == [10, 20]


def test_without_a_choice_there_is_no_control_group(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    typed = {"control_mode": "off", "control_percentage": "nonsense", "control_field": "[Language]"}
    assert bob_client.post(ADD, complete(account, shared, everyone, **typed)).status_code == 302
    export = Export.objects.get()
    assert (export.control_mode, export.control_percentage, export.control_field) == ("off", 0, "")


def test_the_pane_saves_the_field_of_the_control_group(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    list_id = account.create_list("Groups", fields=[("City", "Text"), ("Group", "Text")])
    typed = {"control_mode": "field", "control_percentage": "15", "control_field": "[Group]", "list_id": list_id}
    assert bob_client.post(ADD, complete(account, shared, everyone, **typed)).status_code == 302
    export = Export.objects.get()
    assert (export.control_mode, export.control_percentage, export.control_field) == ("field", 15, "[Group]")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"control_mode": "hold_out"}, "Enter a whole percentage from 1 to 50."),
        (HOLD_OUT | {"control_percentage": "51"}, "Enter a whole percentage from 1 to 50."),
        (HOLD_OUT | {"control_percentage": "-5"}, "Enter a whole percentage from 1 to 50."),
        (HOLD_OUT | {"control_percentage": "2.5"}, "Enter a whole percentage from 1 to 50."),
        (HOLD_OUT | {"control_mode": "sometimes"}, "Select a valid choice."),
        (HOLD_OUT | {"control_mode": "field"}, "Choose the field for the control group."),
        (
            HOLD_OUT | {"control_mode": "field", "control_field": "[City]"},
            "An attribute is already sent to this field. Choose a different field.",
        ),
        (HOLD_OUT | {"control_mode": "field", "control_field": "[No]"}, "The list has no text field [No]."),
        (
            HOLD_OUT
            | {"control_mode": "field", "control_field": "[Language]"}
            | {"removal": "mark", "mark_field": "[Language]", "mark_value": "gone"},
            "This field is set when contacts leave the segments. Choose a different field.",
        ),
    ],
)
def test_the_pane_refuses_a_control_group_that_cannot_be_made(
    bob_client: Client,
    account: RunningSandbox,
    shared: Connection,
    everyone: Segment,
    typed: dict[str, Any],
    said: str,
) -> None:
    answer = bob_client.post(ADD, complete(account, shared, everyone, **typed))
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_the_pane_counts_the_contacts_that_would_be_held_out(
    bob_client: Client, held_out: Export, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    typed = complete(account, shared, everyone, control_mode="hold_out", control_percentage="50")
    url = f"/data/exports/parts/?changed=control&export={held_out.pk}"
    shown = bob_client.post(url, typed).content.decode()
    assert "<strong>1</strong> contact would be held out now." in shown
    assert 'id="removal"' in shown
    assert "held out now" not in bob_client.post(url, typed | {"control_mode": "off"}).content.decode()


def test_the_preview_counts_what_the_run_holds_out(held_out: Export, bob_client: Client) -> None:
    outlined, _contacts = summary.outline(ExportPreview.objects.create(export=held_out, export_version=1))
    output = io.StringIO()
    call_command("run_export", held_out.name, "--preview", "--json", stdout=output)
    printed = orjson.loads(output.getvalue())
    run = run_to_its_end(held_out)
    assert outlined["results"]["control"] == printed["control"] == run.held_out == 1
    assert (printed["to_add"], run.delivered) == (2, 2)


def test_the_run_shows_the_control_group_and_its_contacts(held_out: Export, bob_client: Client) -> None:
    run = run_to_its_end(held_out)
    assert "In the control group" in page(bob_client, f"/data/runs/{run.pk}/")
    assert "ben@example.com" in page(bob_client, f"/data/runs/{run.pk}/contacts/?kind=control")
    assert "50% of the contacts are held out" in page(bob_client, f"/data/runs/{run.pk}/settings/")
    assert "4 excluded" in run.message  # the control group, and three that cannot be sent
    downloaded = bob_client.get(f"/data/runs/{run.pk}/contacts/download/?kind=control")
    lines = b"".join(downloaded.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert [line.split(",")[0] for line in lines] == ["email", "ben@example.com"]


def test_a_run_keeps_the_control_group_with_which_it_started(held_out: Export, bob_client: Client) -> None:
    run = run_to_its_end(held_out)
    Export.objects.update(control_mode=ControlMode.OFF, control_percentage=0)
    assert "50% of the contacts are held out" in page(bob_client, f"/data/runs/{run.pk}/settings/")


def test_a_viewer_sees_the_control_group_of_an_export(held_out: Export, charlie_client: Client) -> None:
    assert "50% of the contacts are held out" in page(charlie_client, edit_url(held_out))


def test_the_pane_names_the_field_when_both_exports_write_it(
    bob_client: Client, newsletter: Export, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    newsletter.control_mode, newsletter.control_percentage = ControlMode.FIELD, 10
    newsletter.control_field = "[Language]"
    newsletter.save()
    typed = {"control_mode": "field", "control_percentage": "10", "control_field": "[Language]"}
    data = complete(account, shared, everyone, **typed)
    shown = bob_client.post("/data/exports/parts/?changed=list_id", data).content.decode()
    assert re.search(r"Both exports write [^<]*Language", shown)

"""“Send test contact”: really sent, planned like every contact, and remembered."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections.models import Connection
from exports.models import Export, Origin, Refused, Removal, SyncedContact
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support.members import join, leave, states
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def address(export: Export) -> str:
    return f"/data/exports/{export.pk}/send-one/"


def send(client: Client, export: Export, person: str) -> tuple[int, str]:
    response = client.post(address(export), {"person": person})
    return response.status_code, response.content.decode()


def test_it_sends_and_shows_the_answer(bob_client: Client, newsletter: Export, account: RunningSandbox) -> None:
    status, html = send(bob_client, newsletter, " Ben@Example.com ")
    assert (status, "Accepted: added to the list." in html) == (200, True)
    assert [(person["EmailAddress"], person["Name"]) for person in account.people()] == [
        ("ben@example.com", "Ben")
    ]
    _status, html = send(bob_client, newsletter, "ben@example.com")
    assert "already on the list" in html


def test_the_next_run_neither_repeats_nor_forgets(
    bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    send(bob_client, newsletter, "ben@example.com")
    assert SyncedContact.objects.get().email == "ben@example.com"

    run = run_to_its_end(newsletter)

    assert (run.unchanged, run.delivered) == (1, 2)
    assert account.received()["ben@example.com"] == 1


def test_it_remembers_contacts_that_the_export_has_added(
    bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    account.set_state(["ben@example.com"], "Active")
    send(bob_client, newsletter, "ben@example.com")
    send(bob_client, newsletter, "ann@example.com")
    send(bob_client, newsletter, "ann@example.com")  # what is known stays
    origins = {person.email: person.origin for person in SyncedContact.objects.all()}
    assert origins == {"ben@example.com": Origin.PRE_EXISTING, "ann@example.com": Origin.ADDED}


def test_a_refusal_is_shown_and_remembered(
    bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    account.set_state(["ben@example.com"], "Unsubscribed")
    _status, html = send(bob_client, newsletter, "ben@example.com")
    assert "has unsubscribed from the list. Only the subscriber can change that" in html
    refused = Refused.objects.get()
    assert (SyncedContact.objects.count(), refused.email, refused.left) == (0, "ben@example.com", True)


def test_who_had_been_deleted_by_the_export_comes_back(
    bob_client: Client, newsletter: Export, everyone: Segment, account: RunningSandbox
) -> None:
    has_left(newsletter, everyone, "ben@example.com", Removal.DELETE)
    assert states(account)["ben@example.com"] == "Deleted"
    join(everyone, "ben@example.com")
    send(bob_client, newsletter, "ben@example.com")
    assert states(account)["ben@example.com"] == "Active"
    leave(everyone, "ben@example.com")
    assert run_to_its_end(newsletter).removed == 1  # it still counts as added by this export


def test_the_mark_goes_of_who_comes_back(
    bob_client: Client, newsletter: Export, everyone: Segment, account: RunningSandbox
) -> None:
    has_left(newsletter, everyone, "ben@example.com", Removal.MARK)
    assert marked(account) == ["ben@example.com"]
    join(everyone, "ben@example.com")
    send(bob_client, newsletter, "ben@example.com")
    assert marked(account) == []


def test_no_contact_is_sent_that_a_run_would_not_send(
    bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    status, html = send(bob_client, newsletter, "nobody@example.com")
    assert (status, "No member of the segments" in html) == (422, True)
    status, html = send(bob_client, newsletter, "no-at-sign")
    assert (status, "would not send this contact" in html) == (422, True)
    assert not account.people()


def test_limits_hold_here_too(
    bob_client: Client, newsletter: Export, shared: Connection, account: RunningSandbox
) -> None:
    shared.limits = {"withheld": ["first_name"]}
    shared.save()
    status, html = send(bob_client, newsletter, "ben@example.com")
    assert (status, "block the attribute “first_name”" in html) == (422, True)
    shared.limits = {"required_attribute": "may_be_mailed"}
    shared.save()
    status, _html = send(bob_client, newsletter, "ben@example.com")
    assert (status, account.people()) == (422, [])


def test_what_is_not_known_is_told_and_kept_as_sent(
    bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    account.faults({"rules": [{"kind": "drop", "path": "/import", "applied": True}]})
    _status, html = send(bob_client, newsletter, "ben@example.com")
    assert "incomplete or could not be read" in html
    assert "again" not in html.partition("could not be read")[2][:100]
    assert SyncedContact.objects.get().data_hash.int == 0
    account.clear_faults()
    run = run_to_its_end(newsletter)
    assert run.delivered == 3


def test_a_test_send_is_recorded_without_the_address(
    bob: User, bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    send(bob_client, newsletter, "ben@example.com")
    entry = AuditEntry.objects.get(action="export.one_person_sent")
    assert (entry.actor_id, entry.target_id) == (bob.pk, newsletter.pk)
    assert "ben@example.com" not in str(entry.changes)


def test_it_is_for_those_who_may_run_the_export(
    bob_client: Client, charlie_client: Client, newsletter: Export, board: Export, account: RunningSandbox
) -> None:
    assert send(charlie_client, newsletter, "ben@example.com")[0] == 403
    assert send(bob_client, board, "ben@example.com")[0] == 403
    assert bob_client.get(address(newsletter)).status_code == 200
    assert not account.people()


def has_left(export: Export, segment: Segment, email: str, removal: Removal) -> None:
    """Make a contact that the export has added, and has removed again."""
    Export.objects.filter(pk=export.pk).update(removal=removal, mark_field="[City]", mark_value="Gone")
    export.refresh_from_db()
    run_to_its_end(export)
    leave(segment, email)
    assert run_to_its_end(export).removed == 1


def marked(account: RunningSandbox) -> list[str]:
    return [person["EmailAddress"] for person in account.people() if "Gone" in str(person["CustomFields"])]

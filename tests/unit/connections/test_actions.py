"""What can be done to a connection, and what the record says of it."""

import logging

import pytest
from django.core.serializers import serialize
from django.db import connection as database

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.audit.models import AuditEntry
from config.platform.web.versions import StaleEdit
from connections import actions, consent_text, credentials, vault
from connections.models import Connection, Consent
from tests.support.connections import SECRET, make_connection


def audited() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_a_new_connection_is_for_administrators_alone(alice: User) -> None:
    connection = make_connection(alice, connected=False, consent=False, export_user=False)
    assert connection.allowed_roles == [Role.ADMINISTRATOR]
    assert (connection.created_by, connection.version) == (alice, 1)
    assert audited() == ["connection.created"]


def test_administrators_stay_among_those_who_may_use_it(alice: User) -> None:
    connection = make_connection(alice)
    actions.edit(by=alice, connection=connection, version=1, name="Mail", allowed_roles=["contributor", "owner"])
    connection.refresh_from_db()
    assert connection.allowed_roles == ["administrator", "contributor"]


def test_a_name_is_taken_whatever_its_case(alice: User) -> None:
    make_connection(alice, "Newsletter")
    with pytest.raises(actions.NameTaken):
        make_connection(alice, "NEWSLETTER")
    assert Connection.objects.count() == 1


def test_an_edit_says_what_was_and_what_is(alice: User) -> None:
    connection = make_connection(alice)
    actions.edit(by=alice, connection=connection, version=1, name="Mail", allowed_roles=[])
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.version, entry.actor_name) == ("connection.edited", 2, str(alice))
    assert entry.changes == {"name": ["Newsletter", "Mail"]}


def test_a_stale_edit_changes_nothing(alice: User) -> None:
    connection = make_connection(alice)
    actions.edit(by=alice, connection=connection, version=1, name="Mail", allowed_roles=[])
    with pytest.raises(StaleEdit) as caught:
        actions.edit(by=alice, connection=connection, version=1, name="Post", allowed_roles=[])
    assert Connection.objects.get().name == "Mail"
    assert [entry.action for entry in caught.value.entries] == ["connection.edited"]


def test_credentials_are_encrypted_where_they_lie(alice: User) -> None:
    make_connection(alice)
    with database.cursor() as cursor:
        cursor.execute("SELECT credentials, options::text FROM connections_connection")
        stored, options = cursor.fetchone()
    assert stored.startswith("k1:")
    assert SECRET not in stored + options


def test_the_secret_is_in_no_repr_no_record_and_no_log(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = make_connection(alice)
    connection = Connection.objects.get(pk=connection.pk)
    access = credentials.access(connection)
    assert access.credentials == {"api_key": SECRET}
    said = f"{connection!r} {vars(connection)!r} {access!r} {serialize('json', [connection])}"
    kept = serialize("json", AuditEntry.objects.all())
    assert SECRET not in said + kept + caplog.text


def test_new_credentials_make_it_work_again(alice: User) -> None:
    connection = make_connection(alice)
    vault.mark_reconnect_needed(connection, "The key is gone.")
    options = {"key_kind": "client", "client_id": "c1"}
    actions.set_credentials(by=alice, connection=connection, secrets={"api_key": "new"}, options=options)
    fresh = Connection.objects.get()
    assert (fresh.reconnect_reason, fresh.options) == ("", options)
    entry = AuditEntry.objects.latest("id")
    assert entry.action == "connection.reconnected"
    assert entry.changes["client_id"] == [None, "c1"]


def test_consent_keeps_who_when_and_which_words(alice: User) -> None:
    connection = make_connection(alice)
    consent = Consent.objects.get(connection=connection)
    assert (consent.given_by, consent.given_by_name, consent.text_version) == (
        alice,
        "Alice Adams",
        consent_text.VERSION,
    )
    assert consent.language == "en"
    assert "Campaign Monitor" in consent.text
    assert "connection.consent_given" in audited()


def test_consent_outlives_the_user_who_gave_it(alice: User) -> None:
    make_connection(alice)
    alice.delete()
    assert Consent.objects.get().given_by_name == "Alice Adams"


def test_a_refusal_is_written_once(alice: User) -> None:
    connection = make_connection(alice)
    again = Connection.objects.get()
    vault.mark_reconnect_needed(connection, "The key is gone.")
    vault.mark_reconnect_needed(again, "The key is gone.")
    assert audited().count("connection.refused") == 1


def test_a_good_check_takes_the_refusal_back(alice: User) -> None:
    connection = make_connection(alice)
    vault.mark_reconnect_needed(connection, "The key is gone.")
    vault.mark_connected(by=alice, connection=connection)
    vault.mark_connected(by=alice, connection=connection)
    assert Connection.objects.get().reconnect_reason == ""
    assert audited().count("connection.accepted") == 1

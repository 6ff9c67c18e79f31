"""Consent as a record: who, when, from where, to which words; and a new text that asks again."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections import consent_text
from connections.models import Connection, Consent
from connections.policies import ConnectionStatus, status_of
from exports.actions import runs
from exports.models import Export
from exports.policies import Refusal
from tests.support import exports
from tests.support.connections import make_connection

WORDS = "/admin/connections/add/campaign_monitor/consent/"


@pytest.fixture
def connection(alice: User) -> Connection:
    return make_connection(alice, consent=False)


def agree(client: Client, connection: Connection, **given: str) -> int:
    data = {"name": connection.name, "version": str(connection.version), "agree": "on"}
    data |= {"consent_version": consent_text.VERSION, "consent_language": "en"} | given
    return client.post(f"/admin/connections/{connection.pk}/", data).status_code


def test_it_keeps_who_from_where_and_which_words(
    alice_client: Client, alice: User, connection: Connection
) -> None:
    assert agree(alice_client, connection, consent_language="fi") == 302
    kept = Consent.objects.get()
    assert (kept.given_by, kept.given_from, kept.language) == (alice, "127.0.0.1", "fi")
    assert "vaatimustenmukaisuusrajan" in kept.text
    entry = AuditEntry.objects.get(action="connection.consent_given")
    assert entry.changes["language"] == [None, "fi"]


def test_it_is_shown_later(alice_client: Client, connection: Connection) -> None:
    agree(alice_client, connection, consent_language="pl")
    html = alice_client.get(f"/admin/connections/{connection.pk}/").content.decode()
    for words in ("Alice Adams agreed", "Polski", "from 127.0.0.1", "dane osobowe", consent_text.VERSION):
        assert words in html


@pytest.mark.parametrize("seen", ["", "2020-01"])
def test_no_user_agrees_to_a_text_that_they_have_not_seen(
    alice_client: Client, connection: Connection, seen: str
) -> None:
    assert agree(alice_client, connection, consent_version=seen) == 422
    assert not Consent.objects.exists()


def test_a_new_text_asks_again(
    alice_client: Client, alice: User, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(alice_client, connection)
    connection = Connection.objects.get()
    assert status_of(connection) is ConnectionStatus.READY
    export = exports.export_to(None, connection, [], list_id="a" * 32)
    monkeypatch.setattr(consent_text, "VERSION", "2027-01")
    assert status_of(connection) is ConnectionStatus.CONSENT_NEEDED
    with pytest.raises(Refusal, match="text has changed"):
        runs.start_run(export, by=alice)
    assert "Consent needed" in alice_client.get("/admin/connections/").content.decode()
    html = alice_client.get(f"/admin/connections/{connection.pk}/").content.decode()
    assert "The text has changed since the last consent" in html
    assert "Earlier consents" in html
    assert "I agree" in html
    assert Export.objects.exists()


@pytest.mark.parametrize(
    ("language", "words"), [("id", "data pribadi"), ("ro", "conexiune"), ("xx", "personal data")]
)
def test_it_can_be_read_in_another_language(alice_client: Client, language: str, words: str) -> None:
    html = alice_client.get(WORDS, {"language": language}).content.decode()
    assert words in html
    assert "<html" not in html


def test_it_is_withdrawn_by_removing_the_connection(alice_client: Client, connection: Connection) -> None:
    agree(alice_client, connection)
    alice_client.post(f"/admin/connections/{connection.pk}/remove/")
    assert not Consent.objects.exists()
    assert AuditEntry.objects.get(action="connection.removed").changes["consent"][1] is None


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_only_administrators_read_and_give_it(
    request: pytest.FixtureRequest, who: str, connection: Connection
) -> None:
    client: Client = request.getfixturevalue(who)
    assert client.get(WORDS).status_code == 403
    assert agree(client, connection) == 403
    assert not Consent.objects.exists()

"""The pane of a connection that is there."""

from collections.abc import Mapping

import pytest
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from connections import actions, credentials, hooks, vault
from connections.models import Connection
from connections.policies import ConnectionStatus, status_of
from tests.conftest import PASSWORD
from tests.integration.connections.test_set_up_pane import ADD, ADD_SANDBOX, Pane
from tests.support.connections import make_connection
from tests.support.sandbox import RunningSandbox


def edit_url(connection: Connection) -> str:
    return f"/admin/connections/{connection.pk}/"


@pytest.fixture
def connection(alice: User, sandbox_offered: RunningSandbox) -> Connection:
    made = make_connection(alice, "Playground", environment="sandbox")
    secrets = {"api_key": sandbox_offered.api_key}
    actions.set_credentials(by=alice, connection=made, secrets=secrets, options={"account_name": "Shop"})
    return made


def test_it_shows_the_state_of_each_step(alice_client: Client, connection: Connection) -> None:
    html = Pane(alice_client, edit_url(connection)).html
    for words in ("Alice Adams agreed", "Connected to Campaign Monitor", "Shop", "is the export user"):
        assert words in html
    assert "credential-api_key" not in html


def test_it_changes_name_and_who_may_use_it(alice_client: Client, connection: Connection) -> None:
    pane = Pane(alice_client, edit_url(connection))
    assert pane.save(name="Sandpit", contributors="on").status_code == 200
    connection.refresh_from_db()
    assert (connection.name, connection.allowed_roles) == ("Sandpit", ["administrator", "contributor"])
    assert connection.version == 2


def test_it_replaces_the_credentials(
    alice_client: Client, connection: Connection, sandbox: RunningSandbox
) -> None:
    pane = Pane(alice_client, edit_url(connection))
    assert "credential-api_key" in pane.step("replace", name="Playground")
    assert pane.needs == ["Authenticate with Campaign Monitor"]
    assert pane.save().status_code == 422
    new = {"credential-api_key": sandbox.client_api_key, "credential-client_id": sandbox.client_id}
    pane.step("authenticate", **new)
    pane.step("authenticate", **new)
    assert pane.save().status_code == 200
    connection.refresh_from_db()
    assert credentials.access(connection).credentials == {"api_key": sandbox.client_api_key}


def test_it_keeps_the_credentials_after_all(alice_client: Client, connection: Connection) -> None:
    pane = Pane(alice_client, edit_url(connection))
    pane.step("replace", name="Playground")
    assert "Connected to Campaign Monitor" in pane.step("keep")
    assert pane.save().status_code == 200
    assert "connection.reconnected" not in AuditEntry.objects.filter(version=2).values_list("action", flat=True)


def test_it_checks_what_is_stored(alice_client: Client, connection: Connection) -> None:
    vault.mark_reconnect_needed(connection, "The key is gone.")
    pane = Pane(alice_client, edit_url(connection))
    assert "The key is gone." in pane.html
    html = pane.step("check_stored", name="Playground")
    assert pane.ticks.count("ok") >= 4
    assert "The key is gone." not in html
    connection.refresh_from_db()
    assert connection.reconnect_reason == ""


def test_it_says_that_what_is_stored_is_still_refused(
    alice_client: Client, connection: Connection, sandbox: RunningSandbox
) -> None:
    vault.mark_reconnect_needed(connection, "The key is gone.")
    sandbox.faults({"rules": [{"kind": "refuse_credential"}]})
    html = Pane(alice_client, edit_url(connection)).step("check_stored", name="Playground")
    assert "The key is gone." in html
    assert "step--bad" in html


def test_consent_can_be_given_later(alice: User, alice_client: Client, settings: Settings) -> None:
    connection = make_connection(alice, consent=False, export_user=False)
    pane = Pane(alice_client, edit_url(connection))
    assert "Exports with this connection do not run until an administrator agrees." in pane.html
    pane.step("export_user", **{"own-password": PASSWORD})
    assert pane.save(name="Newsletter", agree="on").status_code == 200
    assert status_of(Connection.objects.get()) is ConnectionStatus.READY


def test_a_stale_save_changes_nothing_and_loses_nothing(
    alice: User, alice_client: Client, connection: Connection
) -> None:
    pane = Pane(alice_client, edit_url(connection))
    actions.edit(by=alice, connection=connection, version=1, name="Sandpit", allowed_roles=[])
    response = pane.save(name="My own name", contributors="on")
    html = response.content.decode()
    assert response.status_code == 409
    assert "Sandpit" in html
    assert "Alice Adams" in html
    assert 'value="My own name"' in html
    assert Connection.objects.get().name == "Sandpit"
    assert pane.save(overwrite_version="2").status_code == 200
    assert Connection.objects.get().name == "My own name"


def test_it_lists_what_uses_it(
    alice_client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = hooks.Usage("Export", "Everyone to the newsletter", "/data/exports/1/")
    monkeypatch.setattr(hooks.connection_users, "usages", lambda _pk: [usage])
    assert "Everyone to the newsletter" in Pane(alice_client, edit_url(connection)).html


# -- who may ---------------------------------------------------------------------------------------------------

URLS = (ADD, "/admin/connections/1/")


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("data", [None, {"step": "authenticate"}, {"name": "Mine"}])
def test_it_refuses_a_contributor_and_a_viewer(
    bob_client: Client, charlie_client: Client, url: str, data: Mapping[str, str] | None
) -> None:
    for client in (bob_client, charlie_client):
        response = client.get(url) if data is None else client.post(url, data)
        assert response.status_code == 403


@pytest.mark.parametrize("url", URLS)
def test_it_sends_a_stranger_to_the_sign_in_page(stranger_client: Client, url: str) -> None:
    assert stranger_client.post(url)["Location"].startswith("/accounts/sign-in/")


@pytest.mark.parametrize(
    "url",
    ["/admin/connections/999/", "/admin/connections/add/nothing/", f"{ADD}?environment=moon", ADD_SANDBOX],
)
def test_what_is_not_there_is_not_found(alice_client: Client, url: str) -> None:
    assert alice_client.get(url).status_code == 404

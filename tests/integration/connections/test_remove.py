"""The dialog that removes a connection."""

import pytest
from django.test import Client

from config.accounts.models import User
from connections import used_by
from connections.models import Connection
from tests.connecting import make_connection

DIALOG = {"HX-Request": "true", "HX-Target": "dialog"}


@pytest.fixture
def connection(alice: User) -> Connection:
    return make_connection(alice, "Winter mail")


@pytest.fixture
def _in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    use = used_by.Use("Export", "Everyone to the newsletter", "/data/exports/1/")
    monkeypatch.setattr(used_by, "_registered", [(lambda pk: [use], None)])


def url(connection: Connection) -> str:
    return f"/admin/connections/{connection.pk}/remove/"


def test_it_asks_first(alice_client: Client, connection: Connection) -> None:
    html = alice_client.get(url(connection)).content.decode()
    assert "Remove “Winter mail”?" in html
    assert "stay in Campaign Monitor" in html
    assert Connection.objects.exists()


def test_it_removes_and_says_so(alice_client: Client, connection: Connection) -> None:
    response = alice_client.post(url(connection), follow=True)
    assert "“Winter mail” is removed." in response.content.decode()
    assert not Connection.objects.exists()


@pytest.mark.usefixtures("_in_use")
def test_it_lists_what_is_in_the_way(alice_client: Client, connection: Connection) -> None:
    html = alice_client.get(url(connection), headers=DIALOG).content.decode()
    assert "Everyone to the newsletter" in html
    assert "cannot be removed" in html
    assert "button--danger" not in html


@pytest.mark.usefixtures("_in_use")
def test_it_refuses_while_something_uses_it(alice_client: Client, connection: Connection) -> None:
    response = alice_client.post(url(connection), headers=DIALOG)
    assert response.status_code == 409
    assert "Everyone to the newsletter" in response.content.decode()
    assert Connection.objects.exists()


def test_it_is_not_found_twice(alice_client: Client, connection: Connection) -> None:
    alice_client.post(url(connection))
    assert alice_client.post(url(connection)).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_refuses_a_contributor_and_a_viewer(
    bob_client: Client, charlie_client: Client, connection: Connection, method: str
) -> None:
    for client in (bob_client, charlie_client):
        assert getattr(client, method)(url(connection)).status_code == 403
    assert Connection.objects.exists()


def test_it_sends_a_stranger_to_the_sign_in_page(stranger_client: Client, connection: Connection) -> None:
    assert stranger_client.post(url(connection))["Location"].startswith("/accounts/sign-in/")
    assert Connection.objects.exists()

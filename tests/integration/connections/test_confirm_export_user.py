"""“Add yourself as export user” for users who sign in only by single sign-on."""

import re

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.jobs import clock
from connections.models import Connection
from tests.conftest import PASSWORD
from tests.support.connections import make_connection

PART = {"HX-Request": "true", "HX-Target": "connect-part"}


@pytest.fixture
def connection(alice: User) -> Connection:
    return make_connection(alice, "Winter mail", export_user=False)


@pytest.fixture
def single(alice: User, alice_client: Client) -> Client:
    """Alice, who has no password here."""
    alice.set_unusable_password()
    alice.save()
    alice_client.force_login(alice)
    return alice_client


def url(connection: Connection) -> str:
    return f"/admin/connections/{connection.pk}/"


def take(client: Client, connection: Connection, step: str, **typed: str) -> str:
    data = {"name": connection.name, "version": "1", "step": step} | typed
    return client.post(url(connection), data, headers=PART).content.decode()


def came_back(client: Client, alice: User, seconds: float = 60) -> None:
    """As single sign-on leaves it behind."""
    session = client.session
    session["reauthenticated"] = {"user": alice.pk, "until": clock.now().timestamp() + seconds}
    session.save()


def test_it_asks_to_sign_in_again_instead_of_a_password(single: Client, connection: Connection) -> None:
    html = single.get(url(connection)).content.decode()
    assert "own-password" not in html
    assert 'value="confirm"' in html


def test_it_leads_there_and_keeps_what_was_typed(single: Client, connection: Connection) -> None:
    data = {"name": "Summer mail", "version": "1", "step": "confirm"}
    away = single.post(url(connection), data, headers=PART)["HX-Redirect"]
    assert away.startswith("/accounts/")
    draft = re.search(r"draft%3D([\w-]+)", away) or re.search(r"draft=([\w-]+)", away)
    assert draft is not None
    assert 'value="Summer mail"' in single.get(f"{url(connection)}?draft={draft[1]}").content.decode()


def test_no_user_becomes_export_user_without_signing_in_again(
    single: Client, alice: User, connection: Connection
) -> None:
    came_back(single, alice, seconds=-1)
    for password in ("", PASSWORD):
        html = take(single, connection, "export_user", **{"own-password": password})
        assert "is the export user" not in html


def test_who_has_signed_in_again_steps_in(single: Client, alice: User, connection: Connection) -> None:
    came_back(single, alice)
    html = take(single, connection, "export_user")
    assert "Alice Adams is the export user" in html
    draft = re.search(r'name="draft" value="([^"]+)"', html)
    assert draft is not None
    single.post(url(connection), {"name": "Winter mail", "version": "1", "draft": draft[1]})
    assert Connection.objects.get().export_user == alice


def test_who_has_a_password_needs_it_all_the_same(
    alice_client: Client, alice: User, connection: Connection
) -> None:
    came_back(alice_client, alice)
    assert "is the export user" not in take(alice_client, connection, "export_user", **{"own-password": "wrong"})


def test_guessing_is_stopped(alice_client: Client, connection: Connection) -> None:
    for _guess in range(6):
        html = take(alice_client, connection, "export_user", **{"own-password": "a guess"})
    assert "Too many failed attempts" in html
    assert "is the export user" not in take(alice_client, connection, "export_user", **{"own-password": PASSWORD})

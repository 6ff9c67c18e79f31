"""An export user is about to be deactivated: which connections depend on them, and “Add yourself”."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from connections.models import Connection
from connections.policies import ConnectionStatus, depending_on, status_of
from exports.actions import runs
from exports.policies import Refusal
from tests.conftest import PASSWORD
from tests.support import exports
from tests.support.connections import make_connection

LIST = "/admin/permissions/"


@pytest.fixture
def erin(db: None) -> User:
    """Another administrator."""
    return User.objects.create_user("erin", PASSWORD, role=Role.ADMINISTRATOR)


@pytest.fixture
def hers(erin: User) -> Connection:
    return make_connection(erin, "Winter mail")


def stands_in(connection: Connection, password: str = PASSWORD) -> dict[str, str]:
    return {"instead-add_yourself": f"connection-{connection.pk}", "instead-password": password}


def demoted(person: User) -> dict[str, str]:
    return {"full_name": "Erin", "email": "", "role": Role.CONTRIBUTOR.value, "version": str(person.version)}


def test_it_lists_the_connections_that_depend_on_a_user(erin: User, alice: User, hers: Connection) -> None:
    assert list(depending_on(erin)) == [hers]
    assert not depending_on(alice)


@pytest.mark.parametrize("page", ["{pk}/", "{pk}/deactivate/"])
def test_it_lists_them_and_offers_to_step_in(
    alice_client: Client, erin: User, hers: Connection, page: str
) -> None:
    html = alice_client.get(LIST + page.format(pk=erin.pk)).content.decode()
    assert "Winter mail" in html
    assert "Add yourself as export user" in html


def test_it_asks_nothing_when_nothing_depends(alice_client: Client, erin: User) -> None:
    assert "Add yourself" not in alice_client.get(f"{LIST}{erin.pk}/deactivate/").content.decode()


def test_exports_stop_when_they_go(alice_client: Client, erin: User, hers: Connection) -> None:
    export = exports.export_to(None, hers, [], list_id="a" * 32)
    alice_client.post(f"{LIST}{erin.pk}/deactivate/")
    assert status_of(Connection.objects.get()) is ConnectionStatus.EXPORT_USER_NEEDED
    with pytest.raises(Refusal, match="The connection has no active administrator as its export user"):
        runs.start_run(export, by=None)


def test_another_steps_in_while_they_go(alice_client: Client, alice: User, erin: User, hers: Connection) -> None:
    alice_client.post(f"{LIST}{erin.pk}/deactivate/", stands_in(hers))
    erin.refresh_from_db()
    hers = Connection.objects.get()
    assert (erin.is_active, hers.export_user, status_of(hers)) == (False, alice, ConnectionStatus.READY)


def test_another_steps_in_while_they_are_demoted(
    alice_client: Client, alice: User, erin: User, hers: Connection
) -> None:
    assert alice_client.post(f"{LIST}{erin.pk}/", demoted(erin) | stands_in(hers)).status_code == 302
    erin.refresh_from_db()
    assert (erin.role, Connection.objects.get().export_user) == (Role.CONTRIBUTOR, alice)


@pytest.mark.parametrize("page", ["{pk}/", "{pk}/deactivate/"])
@pytest.mark.parametrize("password", ["", "not-it"])
def test_no_user_becomes_export_user_without_their_password(
    alice_client: Client, erin: User, hers: Connection, page: str, password: str
) -> None:
    posted = demoted(erin) | stands_in(hers, password)
    response = alice_client.post(LIST + page.format(pk=erin.pk), posted)
    assert response.status_code == 422
    assert "Incorrect password." in response.content.decode()
    erin.refresh_from_db()
    assert (erin.is_active, erin.role, Connection.objects.get().export_user) == (True, Role.ADMINISTRATOR, erin)


def test_nothing_is_half_done_for_the_last_administrator(alice_client: Client, alice: User, erin: User) -> None:
    mine = make_connection(alice, "Mine")
    response = alice_client.post(f"{LIST}{alice.pk}/deactivate/", stands_in(mine))
    assert response.status_code == 409
    mine.refresh_from_db()
    assert mine.export_user == alice


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_it_refuses_others(request: pytest.FixtureRequest, who: str, erin: User, hers: Connection) -> None:
    client: Client = request.getfixturevalue(who)
    for page in (f"{LIST}{erin.pk}/", f"{LIST}{erin.pk}/deactivate/"):
        assert client.post(page, demoted(erin) | stands_in(hers)).status_code == 403
    assert Connection.objects.get().export_user == erin

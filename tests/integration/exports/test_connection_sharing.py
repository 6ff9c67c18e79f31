"""Sharing a connection, and taking it back: what users may do changes at once, and nothing else does."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from connections import actions as connection_actions
from connections.models import Connection
from exports.actions import manage
from exports.models import Export
from tests.support import exports
from tests.support.profiles import create_profiles

ADDRESSES = ("run/", "duplicate/", "remove/")


@pytest.fixture
def export(shared: Connection, bob: User) -> Export:
    create_profiles([{"email": "a@example.com"}])
    return exports.export_to(None, shared, exports.segment_of_everyone(), list_id="a" * 32, by=bob)


def share(connection: Connection, *roles: Role, by: User) -> None:
    connection.refresh_from_db()
    connection_actions.edit(
        by=by, connection=connection, version=connection.version, name=connection.name, allowed_roles=list(roles)
    )


def test_what_is_taken_back_is_view_only_at_once(
    bob_client: Client, alice: User, shared: Connection, export: Export
) -> None:
    assert "Can edit" in bob_client.get("/data/exports/").content.decode()
    share(shared, by=alice)
    html = bob_client.get("/data/exports/").content.decode()
    assert "View only" in html
    assert "Can edit" not in html
    for operation in ADDRESSES:
        assert bob_client.post(f"/data/exports/{export.pk}/{operation}").status_code == 403
    assert bob_client.post("/data/exports/detach/", {"selected": export.pk}).status_code == 403
    assert Export.objects.get().connection == shared


def test_a_contributor_manages_every_export_on_what_is_shared(
    bob_client: Client, alice: User, bob: User, private: Connection
) -> None:
    export = exports.export_to(None, private, [], list_id="b" * 32, name="Board", by=alice)
    assert bob_client.post(f"/data/exports/{export.pk}/duplicate/").status_code == 403
    share(private, Role.CONTRIBUTOR, by=alice)
    assert bob_client.post(f"/data/exports/{export.pk}/duplicate/").status_code == 302


def test_an_action_asks_as_well_as_the_page(alice: User, bob: User, shared: Connection, export: Export) -> None:
    share(shared, by=alice)
    settings = manage.ExportSettings("Mine", None, "a" * 32, "email", [])
    with pytest.raises(PermissionDenied):
        manage.edit(export, settings, version=export.version, by=bob)
    assert Export.objects.get().connection == shared


def test_contributors_see_name_and_type_only(bob_client: Client, shared: Connection, export: Export) -> None:
    pane = bob_client.get("/data/exports/add/").content.decode()
    assert "Shared sandbox" in pane
    for page in (pane, bob_client.get("/data/exports/").content.decode()):
        assert "Sandbox client" not in page  # what the account is called
        assert "/admin/connections/" not in page


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
@pytest.mark.parametrize(
    "page", ["", "discover/", "add/campaign_monitor/", "add/file/", "add/file/consent/", "{pk}/", "{pk}/remove/"]
)
def test_other_roles_do_not_reach_connections(
    request: pytest.FixtureRequest, who: str, page: str, shared: Connection
) -> None:
    client: Client = request.getfixturevalue(who)
    url = f"/admin/connections/{page.format(pk=shared.pk)}"
    before = Connection.objects.values().get()
    for step in ("", "check_stored", "export_user", "replace", "confirm", "sign_in"):
        data = {"name": "Stolen", "version": "1", "step": step, "contributors": "on", "limits-shown": "yes"}
        assert client.post(url, data).status_code in (403, 405)
    assert client.get(url).status_code == 403
    assert Connection.objects.values().get()["name"] == before["name"]

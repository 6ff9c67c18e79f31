"""Admin > Permissions: users, roles, and what each role may do."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from config.platform.accounts import actions
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.audit.models import AuditEntry
from tests.conftest import PASSWORD

LIST = "/admin/permissions/"
NEW = {
    "full_name": "Dora Dale",
    "username": "dora",
    "email": "dora@example.com",
    "role": "contributor",
}
HTMX = {"HX-Request": "true", "HX-Target": "pane"}


def edited(user: User, **changes: str | int) -> dict[str, str | int]:
    return {
        "full_name": user.full_name,
        "email": user.email,
        "role": user.role,
        "version": user.version,
        **changes,
    }


@pytest.mark.parametrize("page", ["", "add/", "1/", "1/password/", "1/deactivate/", "1/remove/", "1/invite/"])
def test_it_refuses_contributors_and_viewers(bob_client: Client, charlie_client: Client, page: str) -> None:
    for client in (bob_client, charlie_client):
        response = client.get(LIST + page)
        assert response.status_code == 403
        assert "Required role: Administrator." in response.content.decode()
        assert client.post(LIST + page).status_code == 403


def test_it_does_not_show_the_entry_to_others(bob_client: Client) -> None:
    assert LIST not in bob_client.get("/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"username": "ALICE"}, "Another account has this username."),
        ({"username": "do ra"}, "Use only letters, digits"),
        ({"role": "owner"}, "Select a valid choice."),
        ({"full_name": ""}, "This field is required."),
    ],
)
def test_it_says_what_is_wrong_and_keeps_what_was_typed(
    alice_client: Client, wrong: dict[str, str], sentence: str
) -> None:
    response = alice_client.post(LIST + "add/", NEW | wrong, headers=HTMX)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert "dora@example.com" in page


def test_it_refuses_a_stale_save_and_says_what_changed(alice_client: Client, alice: User, bob: User) -> None:
    opened = bob.version
    actions.edit_user(user=bob, version=1, full_name="Robert Brown", email=bob.email, role=bob.role, by=alice)
    response = alice_client.post(f"{LIST}{bob.pk}/", edited(bob, full_name="Bobby", version=opened), headers=HTMX)
    page = response.content.decode()
    assert response.status_code == 409
    for told in (
        "Alice Adams",
        "Bob Brown",
        "Robert Brown",
        'value="Bobby"',
        'name="overwrite_version" value="2"',
    ):
        assert told in page
    response = alice_client.post(f"{LIST}{bob.pk}/", edited(bob, full_name="Bobby", overwrite_version=2))
    bob.refresh_from_db()
    assert (response.status_code, bob.full_name, bob.version) == (302, "Bobby", 3)


def test_it_never_loses_the_last_administrator(alice_client: Client, alice: User) -> None:
    response = alice_client.post(f"{LIST}{alice.pk}/", edited(alice, role="viewer"), headers=HTMX)
    assert response.status_code == 422
    assert "is the last administrator" in response.content.decode()
    alice.refresh_from_db()
    assert alice.is_administrator


def test_it_does_not_count_a_demo_administrator_outside_the_demo(alice: User) -> None:
    User.objects.create_user("admin", PASSWORD, role=Role.ADMINISTRATOR, is_demo=True)
    with transaction.atomic(), pytest.raises(actions.NotNow):
        actions.check_can_stop_administering(alice)


def test_it_deactivates_and_activates(alice_client: Client, bob_client: Client, bob: User) -> None:
    assert "Deactivate “Bob Brown”?" in alice_client.get(f"{LIST}{bob.pk}/deactivate/").content.decode()
    alice_client.post(f"{LIST}{bob.pk}/deactivate/")
    assert bob_client.get("/").status_code == 302
    alice_client.post(f"{LIST}{bob.pk}/activate/")
    assert bob_client.get("/").status_code == 302  # the old session does not come back
    bob_client.force_login(User.objects.get(pk=bob.pk))
    assert bob_client.get("/").status_code == 200


def test_no_user_deactivates_their_own_account(alice_client: Client, alice: User) -> None:
    response = alice_client.post(f"{LIST}{alice.pk}/deactivate/")
    assert response.status_code == 409
    assert "You cannot deactivate your own account." in response.content.decode()


def test_it_sets_a_password_and_ends_old_sessions(alice_client: Client, bob_client: Client, bob: User) -> None:
    bob_client.logout()
    bob_client.login(username="bob", password=PASSWORD)
    alice_client.post(f"{LIST}{bob.pk}/password/", {"password": "another-long-one"})
    assert bob_client.get("/").status_code == 302
    assert Client().login(username="bob", password="another-long-one")


def test_it_sorts_searches_and_answers_htmx_with_the_list_alone(
    alice_client: Client, bob: User, charlie: User
) -> None:
    headers = {"HX-Request": "true", "HX-Target": "list"}
    page = alice_client.get(LIST + "?sort=-username&q=example", headers=headers).content.decode()
    assert page.strip().startswith('<div id="list"')
    assert page.index("charlie@") < page.index("bob@") < page.index("alice@")
    assert "bob@" not in alice_client.get(LIST + "?q=charlie clark").content.decode()
    assert "Nothing matches “zzz”." in alice_client.get(LIST + "?q=zzz").content.decode()


def test_the_record_refuses_changes(alice: User) -> None:
    actions.deactivate_user(user=User.objects.create_user("eve", PASSWORD, role=Role.VIEWER), by=alice)
    for change in ("UPDATE audit_auditentry SET actor_name = 'x'", "DELETE FROM audit_auditentry"):
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)
    assert AuditEntry.objects.get(action="deactivated").actor_name == "Alice Adams"

"""Admin > Permissions: inviting and removing users."""

import re

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from config.platform.accounts import password_links
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from tests.conftest import PASSWORD
from tests.integration.config.test_permissions import HTMX, LIST, NEW


def link_in(text: str) -> str:
    found = re.search(r"http://testserver(/accounts/password/[^\s<]+)", text)
    assert found
    return found[1]


def choose_password(link: str, password: str = "a-quite-long-one") -> Client:
    """What the person does who was handed the link."""
    client = Client()
    place = client.get(link, follow=True).redirect_chain[-1][0]
    assert client.post(place, {"password": password}).status_code == 302
    return client


def test_it_shows_the_link_once_where_no_mail_is_sent(alice_client: Client, alice: User) -> None:
    page = alice_client.post(LIST + "add/", NEW, headers=HTMX).content.decode()
    assert "Share this link with the user" in page
    dora = User.objects.get(username="dora")
    assert not dora.has_usable_password()
    listed = alice_client.get(LIST).content.decode()
    assert "Invited" in listed
    assert "/accounts/password/MQ" not in listed
    choose_password(link_in(page))
    assert Client().login(username="dora", password="a-quite-long-one")
    assert "no longer valid" in Client().get(link_in(page), follow=True).content.decode()


def test_it_mails_the_link(alice_client: Client, alice: User, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    response = alice_client.post(LIST + "add/", NEW, headers=HTMX)
    assert response["HX-Redirect"] == LIST
    assert "An email was sent to dora@example.com" in alice_client.get(LIST).content.decode()
    assert mail.outbox == []  # no page waits for a mail server
    password_links.mail_due()
    assert mail.outbox[0].to == ["dora@example.com"]
    choose_password(link_in(str(mail.outbox[0].body)))


def test_it_records_who_was_invited_and_never_the_link(alice_client: Client, alice: User) -> None:
    page = alice_client.post(LIST + "add/", NEW, headers=HTMX).content.decode()
    added, invited = AuditEntry.objects.filter(target_name="Dora Dale").order_by("id")
    assert (added.action, added.changes["role"]) == ("added", [None, "contributor"])
    assert (invited.action, invited.changes) == ("invited", {"mailed": [None, False]})
    assert link_in(page).split("/")[-2] not in str(AuditEntry.objects.values_list())


def test_it_invites_again_until_the_user_has_signed_in(alice_client: Client, alice: User) -> None:
    alice_client.post(LIST + "add/", NEW, headers=HTMX)
    dora = User.objects.get(username="dora")
    again = f"{LIST}{dora.pk}/invite/"
    assert "Create new link" in alice_client.get(again, headers=HTMX).content.decode()
    link = link_in(alice_client.post(again, headers=HTMX).content.decode())
    choose_password(link).login(username="dora", password="a-quite-long-one")
    response = alice_client.post(again, headers=HTMX)
    assert response.status_code == 409
    assert "has already signed in" in response.content.decode()


def test_an_invited_person_cannot_sign_in_before(alice_client: Client, alice: User) -> None:
    alice_client.post(LIST + "add/", NEW, headers=HTMX)
    for password in ("", "!", User.objects.get(username="dora").password):
        assert not Client().login(username="dora", password=password)


def test_a_removed_user_leaves_what_they_did(
    alice_client: Client, bob_client: Client, alice: User, bob: User
) -> None:
    assert "Remove “Bob Brown”?" in alice_client.get(f"{LIST}{bob.pk}/remove/").content.decode()
    response = alice_client.post(f"{LIST}{bob.pk}/remove/")
    assert response.status_code == 302
    assert not User.objects.filter(username="bob").exists()
    assert bob_client.get("/").status_code == 302
    assert not Client().login(username="bob", password=PASSWORD)
    entry = AuditEntry.objects.get(action="removed")
    assert (entry.target_name, entry.changes["role"]) == ("Bob Brown", ["contributor", None])


def test_no_user_removes_their_own_account(alice_client: Client, alice: User) -> None:
    response = alice_client.post(f"{LIST}{alice.pk}/remove/")
    assert response.status_code == 409
    assert "You cannot remove your own account." in response.content.decode()


@pytest.mark.parametrize("action", ["remove", "deactivate"])
def test_it_keeps_the_last_administrator_who_can_sign_in(alice_client: Client, alice: User, action: str) -> None:
    """Another administrator does not count when they cannot sign in."""
    other = User.objects.create_user("eve", PASSWORD, role="administrator")
    alice_client.force_login(other)
    User.objects.filter(pk=other.pk).update(is_active=False)
    assert alice_client.post(f"{LIST}{alice.pk}/{action}/").status_code == 302
    assert User.objects.filter(pk=alice.pk, is_active=True).exists()

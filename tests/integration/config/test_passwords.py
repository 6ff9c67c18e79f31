"""Lockout, changing one's own password, and getting back in by mail."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from pytest_django import Settings

from config.platform.accounts import lockout, password_links
from config.platform.accounts.models import ResetRequest, SignInAttempt, User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from tests.conftest import PASSWORD
from tests.support.mail_server import mail_sent_to, mail_server
from tests.support.workers import free_port

DOOR = "/accounts/sign-in/"
FORGOTTEN = "/accounts/password/forgotten/"
OWN = "/accounts/password/"
HTMX = {"HX-Request": "true", "HX-Target": "pane"}


def enter(username: str, password: str, address: str = "192.0.2.1") -> str:
    """What the door says; its address when it opened."""
    response = Client().post(DOOR, {"username": username, "password": password}, REMOTE_ADDR=address)
    return response["Location"] if response.status_code == 302 else response.content.decode()


@pytest.fixture
def mails(settings: Settings) -> Settings:
    settings.MAIL_CONFIGURED = True
    return settings


def ask_for_link(client: Client, email: str, **headers: Any) -> str:
    """Ask for a link, and let the worker mail it; what the page says."""
    page = client.post(FORGOTTEN, {"email": email}, **headers).content.decode()
    password_links.mail_due()
    return page


def link_in_mail() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert found
    return found[1]


def test_it_locks_a_name_after_too_many_failures(alice: User) -> None:
    for _ in range(lockout.MOST_PER_NAME):
        assert "is incorrect" in enter("Alice", "wrong")
    page = enter("ALICE", PASSWORD)
    assert "Too many failed attempts. Sign-in is locked. Try again in 15 minutes." in page
    assert enter("ALICE", PASSWORD, "192.0.2.2") == "/"
    entry = AuditEntry.objects.get(action="locked")
    assert (entry.target_kind, entry.target_id, entry.from_address) == ("user", alice.pk, "192.0.2.1")


def test_it_opens_again_after_a_while(alice: User) -> None:
    for _ in range(lockout.MOST_PER_NAME):
        enter("alice", "wrong")
    with time_machine.travel(clock.now() + lockout.WINDOW + timedelta(seconds=1)):
        assert enter("alice", PASSWORD) == "/"


def test_it_says_the_same_of_an_unknown_name(alice: User) -> None:
    for _ in range(lockout.MOST_PER_NAME):
        assert "is incorrect" in enter("my-secret", "wrong")
    assert "Too many failed attempts." in enter("my-secret", "wrong")
    assert "my-secret" not in str(AuditEntry.objects.values_list())
    assert "my-secret" not in str(SignInAttempt.objects.values_list())


def test_it_locks_an_address_that_tries_many_names(alice: User) -> None:
    for number in range(lockout.MOST_PER_ADDRESS):
        enter(f"name-{number}", "wrong")
    assert "Too many failed attempts." in enter("alice", PASSWORD)
    assert enter("alice", PASSWORD, "192.0.2.2") == "/"
    assert AuditEntry.objects.get(action="locked").target_name == "192.0.2.1"


def test_it_forgets_failures_after_a_success(alice: User) -> None:
    for _ in range(lockout.MOST_PER_NAME * 2):
        enter("alice", "wrong")
        if SignInAttempt.objects.count() == lockout.MOST_PER_NAME - 1:
            assert enter("alice", PASSWORD) == "/"
    assert AuditEntry.objects.filter(action="locked").count() == 0


def test_it_changes_ones_own_password_and_ends_other_sessions(alice_client: Client, alice: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(alice)
    response = alice_client.post(OWN, {"present": PASSWORD, "password": "another-long-one"}, headers=HTMX)
    assert response["HX-Redirect"] == "/"
    assert alice_client.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    assert enter("alice", "another-long-one") == "/"
    assert AuditEntry.objects.get(action="password changed").actor_name == "Alice Adams"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"present": "wrong", "password": "another-long-one"}, "Incorrect password."),
        ({"present": PASSWORD, "password": "short"}, "This password is too short."),
    ],
)
def test_it_refuses_a_change_that_is_not_right(
    alice_client: Client, alice: User, typed: dict[str, str], sentence: str
) -> None:
    response = alice_client.post(OWN, typed, headers=HTMX)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert enter("alice", PASSWORD) == "/"


def test_it_counts_guesses_of_the_present_password(alice_client: Client, alice: User) -> None:
    for _ in range(lockout.MOST_PER_NAME):
        alice_client.post(OWN, {"present": "wrong", "password": "another-long-one"}, headers=HTMX)
    page = alice_client.post(OWN, {"present": PASSWORD, "password": "another-long-one"}, headers=HTMX)
    assert "Too many failed attempts." in page.content.decode()


def test_it_sends_to_an_administrator_where_no_mail_is_sent(stranger_client: Client, alice: User) -> None:
    assert "Ask an administrator" in stranger_client.get(FORGOTTEN).content.decode()
    assert "Ask an administrator" in stranger_client.post(FORGOTTEN, {"email": alice.email}).content.decode()
    assert mail.outbox == []


def test_it_mails_a_link_that_works_once(stranger_client: Client, alice: User, mails: Settings) -> None:
    assert "was sent to it" in ask_for_link(stranger_client, "ALICE@example.com")
    assert mail.outbox[0].to == ["alice@example.com"]
    link = link_in_mail()
    page = stranger_client.get(link, follow=True)
    assert "Choose your password" in page.content.decode()
    place = page.redirect_chain[-1][0]
    assert "This password is too short." in stranger_client.post(place, {"password": "short"}).content.decode()
    response = stranger_client.post(place, {"password": "another-long-one"})
    assert response["Location"] == DOOR
    assert "Your password is set." in stranger_client.get(DOOR).content.decode()
    assert enter("alice", "another-long-one") == "/"
    assert "no longer valid" in Client().get(link, follow=True).content.decode()
    assert AuditEntry.objects.get(action="password reset").target_name == "Alice Adams"


def test_a_link_does_not_work_for_ever(stranger_client: Client, alice: User, mails: Settings) -> None:
    ask_for_link(stranger_client, alice.email)
    with time_machine.travel(clock.now() + timedelta(days=3, minutes=1)):
        assert "no longer valid" in stranger_client.get(link_in_mail(), follow=True).content.decode()


def test_it_answers_the_same_for_addresses_without_an_account(
    stranger_client: Client, alice: User, bob: User, mails: Settings
) -> None:
    bob.is_active = False
    bob.save()
    for address in ("nobody@example.com", bob.email):
        assert "was sent to it" in ask_for_link(stranger_client, address)
    assert mail.outbox == []


def test_a_deactivated_person_gets_nowhere_with_an_old_link(
    stranger_client: Client, alice: User, mails: Settings
) -> None:
    ask_for_link(stranger_client, alice.email)
    User.objects.update(is_active=False)
    assert stranger_client.get(link_in_mail())["Location"] == FORGOTTEN


def test_it_does_not_flood_a_mailbox(stranger_client: Client, alice: User, mails: Settings) -> None:
    for _ in range(lockout.MOST_PER_NAME + 3):
        ask_for_link(stranger_client, alice.email)
    assert len(mail.outbox) == lockout.MOST_PER_NAME


def test_links_begin_with_the_public_url_whatever_host_was_asked(
    stranger_client: Client, alice: User, mails: Settings
) -> None:
    mails.PUBLIC_URL, mails.PUBLIC_URL_IS_GIVEN = "https://exports.example.com", True
    ask_for_link(stranger_client, alice.email, HTTP_HOST="localhost:6666")
    assert "https://exports.example.com/accounts/password/" in str(mail.outbox[0].body)
    assert "6666" not in str(mail.outbox[0].body)


def test_mail_waits_for_the_worker_and_keeps_no_token(
    stranger_client: Client, alice: User, mails: Settings
) -> None:
    for address in (alice.email, "unknown@example.com"):
        stranger_client.post(FORGOTTEN, {"email": address})
    assert mail.outbox == []
    assert ResetRequest.objects.count() == 2
    assert "/accounts/password/" not in str(ResetRequest.objects.values_list())
    password_links.mail_due()
    assert len(mail.outbox) == 1
    assert ResetRequest.objects.count() == 0
    assert AuditEntry.objects.get(action="reset link sent").from_address == "127.0.0.1"


def test_a_link_that_no_server_takes_is_tried_again(alice: User) -> None:
    with mail_sent_to(free_port()):
        password_links.request_link(alice.email, "http://testserver/")
        password_links.mail_due()
    assert not password_links.is_due()
    with time_machine.travel(clock.now() + timedelta(minutes=2)), mail_server() as postbox:
        assert password_links.is_due()
        password_links.mail_due()
    assert [to for to, _subject in postbox.told] == [alice.email]
    assert ResetRequest.objects.count() == 0

"""The door: sign-in, sign-out, and what strangers meet."""

import json

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from pytest_django import Settings

from config.console.demo import seeding as demo
from config.platform.accounts.models import User
from tests.conftest import PASSWORD


def test_it_sends_a_stranger_to_the_door(stranger_client: Client) -> None:
    response = stranger_client.get("/help/statuses/")
    assert response["Location"] == "/accounts/sign-in/?next=/help/statuses/"


def test_it_leads_back_to_the_page_that_was_asked_for(stranger_client: Client, alice: User) -> None:
    response = stranger_client.post(
        "/accounts/sign-in/", {"username": "ALICE", "password": PASSWORD, "next": "/help/statuses/"}
    )
    assert response["Location"] == "/help/statuses/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_it_never_leads_to_another_site(stranger_client: Client, alice: User, elsewhere: str) -> None:
    response = stranger_client.post(
        "/accounts/sign-in/", {"username": "alice", "password": PASSWORD, "next": elsewhere}
    )
    assert response["Location"] == "/"


def test_it_says_one_sentence_for_whatever_is_wrong(stranger_client: Client, alice: User) -> None:
    alice.is_active = False
    alice.save()
    for username in ("alice", "nobody"):
        page = stranger_client.post("/accounts/sign-in/", {"username": username, "password": PASSWORD})
        assert "The username or password is incorrect." in page.content.decode()


DIALOG = {"HX-Request": "true", "HX-Target": "sign-in-again"}


def test_it_names_the_dialog_to_a_fragment_without_session(stranger_client: Client) -> None:
    response = stranger_client.get("/", headers={"HX-Request": "true"})
    assert response.status_code == 401
    assert response["X-Sign-In"] == "/accounts/sign-in/"


def test_the_dialog_knows_the_user_of_the_page(stranger_client: Client) -> None:
    response = stranger_client.get("/accounts/sign-in/?user=alice", headers=DIALOG)
    html = response.content.decode()
    assert "<html" not in html
    assert 'value="alice"' in html
    assert 'id="sign-in-username"' in html


def test_the_dialog_tells_who_has_signed_in(stranger_client: Client, alice: User) -> None:
    data = {"username": "alice", "password": PASSWORD}
    response = stranger_client.post("/accounts/sign-in/", data, headers=DIALOG)
    assert response.status_code == 204
    told = json.loads(response["HX-Trigger"])["signed-in"]
    assert told["user"] == "alice"
    again = stranger_client.get("/accounts/sign-in/", headers=DIALOG)
    assert again.status_code == 204, "signed in in another tab"
    assert stranger_client.get("/").status_code == 200


def test_the_dialog_says_what_was_wrong(stranger_client: Client, alice: User) -> None:
    data = {"username": "alice", "password": "wrong"}
    response = stranger_client.post("/accounts/sign-in/", data, headers=DIALOG)
    assert "The username or password is incorrect." in response.content.decode()
    assert stranger_client.get("/").status_code == 302


def test_the_dialog_links_to_the_code_of_a_second_factor(stranger_client: Client, alice: User) -> None:
    TOTP.activate(alice, "JBSWY3DPEHPK3PXP")
    data = {"username": "alice", "password": PASSWORD}
    html = stranger_client.post("/accounts/sign-in/", data, headers=DIALOG).content.decode()
    assert 'href="/accounts/sign-in/code/"' in html
    assert 'target="_blank"' in html
    assert "password" not in html
    assert stranger_client.get("/").status_code == 302


def test_it_signs_out_by_post_only(alice_client: Client) -> None:
    assert alice_client.get("/accounts/sign-out/").status_code == 405
    assert alice_client.post("/accounts/sign-out/")["Location"] == "/accounts/sign-in/"
    assert alice_client.get("/").status_code == 302


def test_it_lists_the_demo_accounts_in_the_demo(stranger_client: Client, settings: Settings) -> None:
    demo.make_accounts()
    assert "demo-account" not in stranger_client.get("/accounts/sign-in/").content.decode()
    settings.DEMO = True
    page = stranger_client.get("/accounts/sign-in/").content.decode()
    for username in ("admin", "contributor", "viewer"):
        assert f"<strong>{username}</strong>" in page
    response = stranger_client.post("/accounts/sign-in/", {"username": "admin", "password": "demo"})
    assert response["Location"] == "/"


def test_it_ends_a_demo_session_when_the_demo_ends(stranger_client: Client, settings: Settings) -> None:
    settings.DEMO = True
    demo.make_accounts()
    stranger_client.force_login(User.objects.get(username="viewer"))
    assert stranger_client.get("/").status_code == 200
    settings.DEMO = False
    assert stranger_client.get("/").status_code == 302

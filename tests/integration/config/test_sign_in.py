"""The door: sign-in, sign-out, and what strangers meet."""

import pytest
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


def test_it_leads_a_fragment_without_session_to_the_door(stranger_client: Client) -> None:
    response = stranger_client.get(
        "/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/data/exports/?q=a"}
    )
    assert response.status_code == 401
    assert response["HX-Redirect"] == "/accounts/sign-in/?next=%2Fdata%2Fexports%2F%3Fq%3Da"


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

"""Admin > Connections."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from tests.support.connections import SECRET, make_connection

URL = "/admin/connections/"


def page(client: Client, query: str = "") -> str:
    response = client.get(f"{URL}{query}")
    assert response.status_code == 200
    return response.content.decode()


def names(html: str) -> list[str]:
    return re.findall(r'<td class="table__name".*?<a [^>]*>(.*?)</a>', html, re.DOTALL)


def test_it_says_what_to_do_when_there_is_none(alice_client: Client) -> None:
    html = page(alice_client)
    assert "No connections yet" in html
    assert "Set up Campaign Monitor" in html


def test_it_tells_what_each_connection_is(alice: User, alice_client: Client) -> None:
    make_connection(alice, "Winter mail", allowed_roles=[Role.CONTRIBUTOR])
    html = page(alice_client)
    assert names(html) == ["Winter mail"]
    for word in ("Campaign Monitor", "Ready", "Administrators, Contributors", "Alice Adams", "Not used yet"):
        assert word in html


@pytest.mark.parametrize(
    ("missing", "word"),
    [("connected", "Not connected"), ("consent", "Consent needed"), ("export_user", "Export user needed")],
)
def test_it_says_what_keeps_a_connection_from_working(
    alice: User, alice_client: Client, missing: str, word: str
) -> None:
    there = {name: name != missing for name in ("connected", "consent", "export_user")}
    make_connection(
        alice, connected=there["connected"], consent=there["consent"], export_user=there["export_user"]
    )
    assert word in page(alice_client)


def test_a_sandbox_wears_its_badge_and_is_marked_without_consent(
    alice: User, alice_client: Client, settings: Settings
) -> None:
    make_connection(alice, environment="sandbox", consent=False, export_user=False)
    html = page(alice_client)
    assert "badge--sandbox" in html
    assert "Sandbox: consent not required" in html
    assert "Ready" in html


@pytest.mark.parametrize("sort", ["name", "type", "created", "access"])
def test_it_sorts_both_ways(alice: User, alice_client: Client, sort: str) -> None:
    make_connection(alice, "beta", environment="sandbox", allowed_roles=[Role.CONTRIBUTOR])
    make_connection(alice, "Alpha")
    first = names(page(alice_client, f"?sort={sort}"))
    assert sorted(first) == ["Alpha", "beta"]
    assert names(page(alice_client, f"?sort=-{sort}")) == first[::-1]


def test_it_finds_by_name_and_account(alice: User, alice_client: Client) -> None:
    make_connection(alice, "Winter mail")
    make_connection(alice, "Summer mail")
    assert names(page(alice_client, "?q=winter")) == ["Winter mail"]
    assert len(names(page(alice_client, "?q=shop"))) == 2
    assert "Nothing matches" in page(alice_client, "?q=autumn")


def test_it_asks_as_many_questions_for_many_as_for_one(
    alice: User, alice_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_connection(alice, "First")
    page(alice_client)
    with django_assert_num_queries(7):  # session, user, count, rows, consents, usages, installation
        page(alice_client)
    for number in range(20):
        make_connection(alice, f"Another {number}")
    with django_assert_num_queries(7):
        page(alice_client)


def test_it_answers_htmx_with_the_list_alone(alice: User, alice_client: Client) -> None:
    make_connection(alice)
    response = alice_client.get(URL, headers={"HX-Request": "true", "HX-Target": "list"})
    assert "<html" not in response.content.decode()
    assert "HX-Request" in response["Vary"]


def test_it_offers_the_sandbox_only_where_there_is_one(alice_client: Client, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = ""
    assert "environment=sandbox" not in page(alice_client)
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = "http://127.0.0.1:8001"
    assert "environment=sandbox" in page(alice_client)


def test_it_shows_no_secret(alice: User, alice_client: Client) -> None:
    connection = make_connection(alice)
    html = page(alice_client)
    assert SECRET not in html
    assert connection.credentials is not None
    assert connection.credentials.stored not in html


def test_it_refuses_a_contributor(bob_client: Client) -> None:
    assert bob_client.get(URL).status_code == 403


def test_it_refuses_a_viewer(charlie_client: Client) -> None:
    assert charlie_client.get(URL).status_code == 403


def test_it_sends_a_stranger_to_the_sign_in_page(stranger_client: Client) -> None:
    response = stranger_client.get(URL)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/sign-in/")

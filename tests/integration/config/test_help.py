"""The help has an index, a search, and addresses of its sections; addresses that users guess lead somewhere."""

import re

import pytest
from django.test import Client
from django.utils.translation import gettext as _
from django.utils.translation import override

from config.console.help_pages import PAGES
from config.urls import GUESSED_ADDRESSES

pytestmark = pytest.mark.django_db


def test_the_index_links_to_every_page_and_section(charlie_client: Client) -> None:
    index = charlie_client.get("/help/").content.decode()
    for page in PAGES:
        assert f'href="/help/{page}/"' in index
    links = re.findall(r'href="(/help/[a-z-]+/)#([^"]+)"', index)
    assert len(links) > 20
    for page, section in links:
        assert f'id="{section}"' in charlie_client.get(page).content.decode()


def test_a_search_finds_sections_in_the_language_of_the_user(charlie_client: Client) -> None:
    english = charlie_client.get("/help/", {"q": "control group"}).content.decode()
    assert '<a href="/help/exports-and-runs/#control-group">' in english
    with override("fi"):
        words = _("Control group")
    finnish = charlie_client.get("/help/", {"q": words}, headers={"Accept-Language": "fi"})
    assert words != "Control group"
    assert '<a href="/help/exports-and-runs/#control-group">' in finnish.content.decode()


def test_a_search_that_finds_nothing_says_so(charlie_client: Client) -> None:
    page = charlie_client.get("/help/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "No section of the help contains all of these words." in page
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize("guessed", GUESSED_ADDRESSES)
def test_a_guessed_address_leads_to_a_page(client: Client, alice_client: Client, guessed: str) -> None:
    assert client.get(f"/{guessed}", follow=True).status_code == 200
    response = alice_client.get(f"/{guessed}", follow=True)
    assert response.status_code == 200
    assert len(response.redirect_chain) == 2  # the slash, and the page


def test_other_pages_load_nothing_of_the_help(charlie_client: Client) -> None:
    assert "css/help.css" in charlie_client.get("/help/results/").content.decode()
    for path in ("/", "/data/exports/", "/segments/"):
        page = charlie_client.get(path).content.decode()
        assert "css/help" not in page
        assert "img/help" not in page
        assert "css/exports/print" not in page

"""The Help link in the top bar opens the page of the help that fits the page it is on."""

import re

import pytest
from django.test import Client

from config.console.help_links import HELP_OF, HELP_OF_APP, help_path
from config.console.help_pages import PAGES
from config.platform.accounts.models import User
from tests.integration.access.test_every_address import ADDRESSES, FOUND, ground, url_of

pytestmark = pytest.mark.django_db

_HELP_LINK = re.compile(r'class="top-bar__button" href="(/help/[^"]*)"\s+aria-label="Help"')


def test_every_page_has_a_line_in_the_table_and_links_to_its_help(alice: User, alice_client: Client) -> None:
    ids = ground(alice, shared=True)
    missing, wrong = [], []
    for name, address in ADDRESSES.items():
        response = alice_client.get(url_of(name, ids), {"selected": str(ids.get(address.of, 0))})
        if response.status_code != 200 or response.streaming or b"top-bar" not in response.content:
            continue
        link = _HELP_LINK.search(response.content.decode())
        if link and name not in HELP_OF and name.partition(":")[0] not in HELP_OF_APP:
            missing.append(name)
        elif link and link[1] != help_path(name):
            wrong.append((name, link[1]))
    assert (missing, wrong) == ([], [])


def test_the_table_names_addresses_and_sections_that_exist(charlie_client: Client) -> None:
    assert HELP_OF.keys() - FOUND.keys() == set()
    texts = {page: charlie_client.get(f"/help/{page}/").content.decode() for page in PAGES}
    for target in {*HELP_OF.values(), *HELP_OF_APP.values()} - {""}:
        page, _mark, section = target.partition("#")
        assert not section or f'id="{section}"' in texts[page], target


def test_a_page_that_is_not_there_links_to_the_index(charlie_client: Client) -> None:
    page = charlie_client.get("/nothing-here/")
    assert page.status_code == 404
    assert help_path("") == "/help/"

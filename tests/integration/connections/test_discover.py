"""Admin > Connections > Discover: a tile for each destination."""

import pytest
from django.test import Client
from pytest_django import Settings

URL = "/admin/connections/discover/"


def test_it_has_a_tile_for_each_destination(alice_client: Client, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = ""
    html = alice_client.get(URL).content.decode()
    for words in ("Campaign Monitor", "Write a CSV file", "Set up File", 'href="/admin/connections/add/file/"'):
        assert words in html
    assert "environment=sandbox" not in html


def test_it_offers_the_sandbox_where_there_is_one(alice_client: Client, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = "http://127.0.0.1:1"
    html = alice_client.get(URL).content.decode()
    assert html.count("?environment=sandbox") == 2  # with htmx and without


def test_it_stands_beside_the_list(alice_client: Client) -> None:
    assert f'href="{URL}"' in alice_client.get("/admin/connections/").content.decode()
    assert 'href="/admin/connections/" ' in alice_client.get(URL).content.decode()


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_it_refuses_others(request: pytest.FixtureRequest, who: str) -> None:
    assert request.getfixturevalue(who).get(URL).status_code == 403
    assert request.getfixturevalue(who).get("/admin/connections/add/file/").status_code == 403


def test_it_turns_a_stranger_away(stranger_client: Client) -> None:
    assert stranger_client.get(URL).status_code == 302

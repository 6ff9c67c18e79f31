"""Find anything: what has the words, as far as the user may see it."""

import re

import pytest
from django.test import Client

from connections.models import Connection
from exports.models import Export
from segments.models import DataSource, Segment

pytestmark = pytest.mark.django_db

FIND = "/find/"


@pytest.fixture(autouse=True)
def named(db: None) -> None:
    connection = Connection.objects.create(name="Spring account", destination_key="campaign_monitor")
    Export.objects.create(name="Spring letter", connection=connection, list_id="a" * 32, email_attribute="email")
    Segment.objects.create(name="Łódź in spring")
    DataSource.objects.create(name="Spring shop", key_column="id")


def labels(client: Client, words: str) -> list[str]:
    shown = client.get(FIND, {"q": words}).content.decode()
    return re.findall(r"find__match.*?<span>(.*?)</span>", shown, re.DOTALL)


def test_it_finds_what_has_all_words_by_kind(alice_client: Client) -> None:
    assert labels(alice_client, "spring") == [
        "Spring letter",
        "Łódź in spring",
        "Spring shop",
        "Spring account",
        "Search customers for “spring”",
    ]
    assert labels(alice_client, "LETTER spr")[0] == "Spring letter"


def test_connections_are_found_by_users_who_manage_them(bob_client: Client) -> None:
    assert "Spring account" not in labels(bob_client, "spring")


def test_viewers_find_no_commands_that_change(charlie_client: Client) -> None:
    assert "Add destination" not in labels(charlie_client, "add")


@pytest.mark.parametrize("words", ["add dest", "add export", "new export"])
def test_a_command_has_several_names(bob_client: Client, words: str) -> None:
    assert labels(bob_client, words)[0] == "Add destination"


def test_without_words_it_shows_commands_and_pages(bob_client: Client) -> None:
    shown = labels(bob_client, "")
    assert {"Add destination", "New segment", "Home", "Exports", "Segments"} <= set(shown)
    assert "Audit" not in shown


def test_it_finds_tabs_and_pages_of_the_help(alice_client: Client) -> None:
    assert "System › Schedule" in labels(alice_client, "schedule")
    assert "Privacy requests" in labels(alice_client, "privacy")


def test_accents_do_not_matter_to_pages(alice_client: Client) -> None:
    shown = alice_client.get(FIND, {"q": "jarjestelma"}, headers={"Accept-Language": "fi"}).content.decode()
    assert "Järjestelmä" in shown


def test_other_words_lead_to_the_search_of_customers(alice_client: Client) -> None:
    shown = labels(alice_client, "xyzzy")
    assert shown == ["Search customers for “xyzzy”"]


def test_results_are_a_fragment_while_a_user_types(alice_client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Target": "find-results"}
    shown = alice_client.get(FIND, {"q": "spring"}, headers=headers).content.decode()
    assert "<html" not in shown
    assert "<form" not in shown
    assert "Spring letter" in shown


def test_the_number_of_queries_does_not_grow(alice_client: Client, django_assert_max_num_queries: object) -> None:
    Segment.objects.bulk_create(Segment(name=f"Spring {number}") for number in range(50))
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert sum("pring" in label for label in labels(alice_client, "spring")) == 10

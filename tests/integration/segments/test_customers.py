"""The list of customers, and the page of a customer."""

from typing import Any

import pytest
from django.test import Client

from segments import profiles
from segments.models import DataSource, Segment
from segments.views import customers
from tests.support.profiles import create_profiles, get_profile


def names(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/customers/{query}")
    assert response.status_code == 200
    return [row.key for row in response.context["list"].rows]


def test_it_shows_everyone(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.get("/customers/")
    content = response.content.decode()
    assert "3 unified profiles" in content
    assert "c1@example.com" in content
    assert "Łódź" in content


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("aino", ["C1"]),
        ("VÄINÖ", ["C2"]),
        ("turku", ["C1", "C2"]),
        ("turku c2@", ["C2"]),
        ("c3", ["C3"]),
        ("%", []),
        ("_", []),
        ("email", []),
        ("\\", []),
        ("3000", []),
    ],
)
def test_it_finds_people_by_their_texts(
    bob_client: Client, shop: DataSource, words: str, found: list[str]
) -> None:
    response = bob_client.get("/customers/", {"q": words})
    assert [row.key for row in response.context["list"].rows] == found


def test_it_masks_what_a_viewer_may_not_see(charlie_client: Client, shop: DataSource) -> None:
    content = charlie_client.get("/customers/").content.decode()
    assert "c•••@e•••.com" in content
    assert "c1@example.com" not in content
    assert "Aino" not in content
    profile = get_profile("C1")
    content = charlie_client.get(f"/customers/{profile.id}/").content.decode()
    assert "Aino" not in content
    assert "1990-01-02" not in content
    assert "C1" in content


@pytest.mark.parametrize("guess", ["c1@exam", "c1@example.com", "C1@Example.com", "First1", "example.com"])
def test_a_viewer_finds_no_masked_value_by_searching(charlie_client: Client, shop: DataSource, guess: str) -> None:
    assert names(charlie_client, f"?q={guess}") == []
    assert names(charlie_client, f"?q={guess}&after=0") == []


def test_a_viewer_finds_a_customer_by_key(charlie_client: Client, shop: DataSource) -> None:
    assert names(charlie_client, "?q=c1") == ["C1"]


def test_a_viewer_reads_rules_without_their_values(
    bob_client: Client, charlie_client: Client, shop: DataSource
) -> None:
    rule = {"attribute": "email", "operator": "is", "value": "secret.person@private.example"}
    segment = Segment.objects.create(name="One", rules={"join": "and", "rules": [rule]})
    for address in ("/segments/", f"/segments/{segment.pk}/"):
        assert "secret.person" in bob_client.get(address).content.decode()
        shown = charlie_client.get(address).content.decode()
        assert "secret.person" not in shown
        assert "email is •••" in shown


def test_it_sends_a_stranger_to_the_door(stranger_client: Client, shop: DataSource) -> None:
    for url in (
        "/customers/",
        "/customers/1/",
        "/data/sources/",
        "/data/imports/1/",
        "/segments/",
        "/segments/1/",
    ):
        response = stranger_client.get(url)
        assert response.status_code == 302
        assert "/accounts/sign-in/" in response.headers["Location"]


def test_it_turns_the_pages(bob_client: Client, shop: DataSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customers, "PAGE_SIZE", 2)
    first = bob_client.get("/customers/").context["list"]
    assert [row.key for row in first.rows] == ["C1", "C2"]
    assert first.previous_url == ""
    second = bob_client.get(f"/customers/{first.next_url}").context["list"]
    assert [row.key for row in second.rows] == ["C3"]
    assert second.next_url == ""
    assert names(bob_client, second.previous_url) == ["C1", "C2"]


@pytest.mark.parametrize("most_sorted", [1, 1000])
def test_it_turns_the_pages_of_what_was_found(
    bob_client: Client, shop: DataSource, monkeypatch: pytest.MonkeyPatch, most_sorted: int
) -> None:
    monkeypatch.setattr(customers, "PAGE_SIZE", 1)
    monkeypatch.setattr(profiles, "MAX_SORTED", most_sorted)
    first = bob_client.get("/customers/?q=turku").context["list"]
    assert [row.key for row in first.rows] == ["C1"]
    assert first.total == (None if most_sorted == 1 else 2)
    second = bob_client.get(f"/customers/{first.next_url}").context["list"]
    assert [row.key for row in second.rows] == ["C2"]
    assert second.next_url == ""
    assert names(bob_client, second.previous_url) == ["C1"]


def test_it_answers_htmx_with_the_list_alone(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.get("/customers/?q=aino", headers={"HX-Request": "true", "HX-Target": "list"})
    content = response.content.decode()
    assert "<html" not in content
    assert 'id="list"' in content


def test_it_asks_the_same_number_of_queries_for_many(
    bob_client: Client, shop: DataSource, django_assert_max_num_queries: Any
) -> None:
    create_profiles(({"first_name": f"Person {n}"} for n in range(200)), source="Shop")
    with django_assert_max_num_queries(12):
        assert len(names(bob_client)) == 50
    with django_assert_max_num_queries(14):
        assert len(names(bob_client, "?q=person")) == 50


def test_an_empty_list_says_what_to_do(bob_client: Client, charlie_client: Client, db: None) -> None:
    assert "Import file" in bob_client.get("/customers/").content.decode()
    assert "Import file" not in charlie_client.get("/customers/").content.decode()


def test_one_customer_is_shown_whole(bob_client: Client, shop: DataSource) -> None:
    profile = get_profile("C3")
    content = bob_client.get(f"/customers/{profile.id}/").content.decode()
    for text in ("Zofia", "Łódź", "3,000", "1990-01-02", "c3@example.com", "Shop", "Not in any segment"):
        assert text in content
    assert bob_client.get("/customers/0/").status_code == 404

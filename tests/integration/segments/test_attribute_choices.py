"""The search for an attribute in the builder of segments."""

from typing import Any

from django.test import Client
from pytest_django import DjangoAssertNumQueries

from segments.models import AttributeType, DataSource
from segments.views.attribute_choices import MAX_SHOWN
from tests.support.profiles import create_attributes

DIALOG = {"HX-Request": "true", "HX-Target": "dialog"}
LIST = {"HX-Request": "true", "HX-Target": "attribute-choices"}


def search(client: Client, text: str) -> Any:
    return client.get("/segments/attributes/", {"for": "attribute-0-1", "q": text}, headers=LIST)


def test_it_shows_type_share_and_samples(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.get("/segments/attributes/?for=attribute-0-1", headers=DIALOG)
    content = response.content.decode()
    found = {each.attribute.name: (each.percent, each.samples) for each in response.context["choices"]}
    assert found["city"] == (100, ["Turku", "Łódź"])
    assert found["points"] == (100, ["10", "200", "3,000"])
    assert "Whole number" not in content
    assert 'data-choose-attribute="city" data-for="attribute-0-1"' in content
    assert 'role="dialog"' in content


def test_names_and_types_are_searched_in_any_case(bob_client: Client, shop: DataSource) -> None:
    def names(text: str) -> list[str]:
        return [each.attribute.name for each in search(bob_client, text).context["choices"]]

    assert names("NAME") == ["first_name"]
    assert names("yes/no") == ["newsletter"]
    assert names("nothing like it") == []
    assert "No attribute has this in its name." in search(bob_client, "nothing like it").content.decode()
    assert "<html" not in search(bob_client, "city").content.decode()


def test_it_shows_a_limited_number_in_as_many_queries(
    bob_client: Client, shop: DataSource, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    create_attributes({f"extra {number:02}": AttributeType.TEXT for number in range(MAX_SHOWN + 2)})
    with django_assert_max_num_queries(12):
        response = search(bob_client, "extra")
    assert len(response.context["choices"]) == MAX_SHOWN
    assert "2 more: enter a part of the name." in response.content.decode()


def test_viewers_do_not_build_segments(charlie_client: Client, shop: DataSource) -> None:
    assert charlie_client.get("/segments/attributes/").status_code == 403

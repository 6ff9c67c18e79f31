"""The page of a customer shows the profiles of data sources behind it, why they are one, and where values are
from."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from segments.models import DataSource, NormalForm
from segments.privacy.subject_access import personal_data_report
from segments.store import profiles
from segments.store.profiles import Condition, select_source_profiles
from segments.store.unified.explain import explain
from tests.support.identity import set_rules
from tests.support.profiles import create_profiles

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crm() -> DataSource:
    source = create_profiles(
        [
            {"id": "C1", "email": "aino@example.com", "first_name": "Aino", "phone": "+358 40 123456"},
            {"id": "C2", "email": "bo@example.com", "first_name": "Bo"},
        ],
        source="CRM",
    )
    create_profiles([{"id": "S1", "email": "Aino@example.com", "city": "Turku"}], source="Shop")
    create_profiles([{"id": "w@example.com", "phone": "0035840123456", "city": "Oulu"}], source="Web")
    set_rules({"email": NormalForm.EMAIL, "phone": NormalForm.PHONE}, order=[source])
    return source


def profile_id(key: str) -> int:
    (found,) = select_source_profiles(Condition("key = ?", [key]))
    return found.id


def test_each_profile_is_explained_by_a_value_that_it_shares(crm: DataSource) -> None:
    explanation = explain(profile_id("C1"))
    assert explanation is not None
    assert [
        (part.profile.key, part.link and (part.link.attribute, part.link.other.key)) for part in explanation.parts
    ] == [("C1", None), ("S1", ("email", "C1")), ("w@example.com", ("phone", "C1"))]
    assert {name: origin.source_name for name, origin in explanation.origins.items()} == {
        "id": "CRM",
        "email": "CRM",
        "first_name": "CRM",
        "phone": "CRM",
        "city": "Web",
    }


def test_a_customer_of_one_profile_needs_no_explanation(crm: DataSource) -> None:
    assert explain(profile_id("C2")) is None


def test_the_page_shows_the_profiles_the_reasons_and_the_sources_of_values(
    crm: DataSource, alice_client: Client
) -> None:
    html = alice_client.get(f"/customers/{profile_id('S1')}/").content.decode()
    assert "Same email as C1 in CRM" in html
    assert "Same phone as C1 in CRM" in html
    assert "w@example.com" in html
    assert '<dd>Oulu <span class="muted">Web</span></dd>' in html


def test_keys_with_addresses_are_masked_for_users_who_see_masked_data(
    crm: DataSource, charlie_client: Client
) -> None:
    html = charlie_client.get(f"/customers/{profile_id('C1')}/").content.decode()
    assert "Same email as C1 in CRM" in html
    assert "w@example.com" not in html
    assert "Oulu" not in html


@pytest.mark.parametrize("words", ["S1", "s1", "aino@example.com", "C1"])
def test_a_search_finds_the_keys_and_addresses_of_all_profiles(
    crm: DataSource, alice_client: Client, words: str
) -> None:
    html = alice_client.get("/customers/", {"q": words}).content.decode()
    assert f"/customers/{profile_id('C1')}/" in html
    assert f"/customers/{profile_id('C2')}/" not in html


def test_users_who_see_masked_data_find_exact_keys_of_all_profiles(
    crm: DataSource, charlie_client: Client
) -> None:
    html = charlie_client.get("/customers/", {"q": "s1"}).content.decode()
    assert f"/customers/{profile_id('C1')}/" in html
    html = charlie_client.get("/customers/", {"q": "w@example.com"}).content.decode()
    assert f"/customers/{profile_id('C1')}/" not in html


def test_the_list_counts_customers(crm: DataSource, alice_client: Client) -> None:
    assert profiles.count_profiles() == 2
    assert alice_client.get("/customers/").context["everyone"] == 2


def test_the_download_has_every_profile_of_a_data_source(crm: DataSource, alice: User) -> None:
    customer = profiles.get_profile(profile_id("C1"))
    assert customer is not None
    report = personal_data_report(customer, by=alice)
    assert [(each["data_source"], each["key"]) for each in report["profiles"]] == [
        ("CRM", "C1"),
        ("Shop", "S1"),
        ("Web", "w@example.com"),
    ]
    assert report["profiles"][1]["attributes"]["city"] == "Turku"

"""Case 8: countries go to a country field by ISO code, name and alias, whatever the case and accents."""

import pycountry
import pytest

from connections.destinations.campaign_monitor.field_values import converter
from connections.destinations.values import TargetField, Violation
from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

# What people have, and how the vendor spells it.
SPELLINGS = {
    "US": "United States of America",
    "usa": "United States of America",
    "United States": "United States of America",
    "UK": "United Kingdom",
    "Finland": "Finland",
    "FI": "Finland",
    "South Korea": "Korea South",
    "Korea, Republic of": "Korea South",
    "Serbia": "Serbia & Montenegro",
    "Colombia": "Columbia",
    "Czechia": "Czech Republic",
    "CÔTE D’IVOIRE": "Cote D'Ivoire",
    "Türkiye": "Turkey",
    "St. Lucia": "St Lucia",
    "North Macedonia": "Macedonia",
    "Jersey": "Channel Islands",
    "Great Britain": "Great Britain",
}
# Countries of ISO 3166 that the vendor's list does not have, not even inside another entry.
NOT_OFFERED = {
    *("AX", "AQ", "BQ", "BV", "EH", "FM", "GS", "GW", "HM", "MF", "MP", "SJ", "SS", "UM"),
}


@pytest.fixture
def countries(account: RunningSandbox) -> tuple[str, ...]:
    return tuple(account.api("GET", "/countries.json").json())


def test_contacts_with_any_spelling_of_a_country_are_delivered(account: RunningSandbox) -> None:
    rows = [{"email": f"c{at:02}@example.com", "country": name} for at, name in enumerate(SPELLINGS)]
    create_profiles(rows)
    exports.export_to(
        account,
        exports.sandbox_connection(account),
        exports.segment_of_everyone(),
        list_id=account.create_list("Countries", fields=[("Land", "Country")]),
        mapping=[{"attribute": "country", "field": "[Land]"}],
    )
    run = run_export()
    assert (run["status"], run["delivered"]) == ("successful", len(SPELLINGS))
    (list_id,) = [
        each["ListID"]
        for each in account.api("GET", f"/clients/{account.client_id}/lists.json").json()
        if each["Name"] == "Countries"
    ]
    kept = [contact["CustomFields"][0]["Value"] for contact in account.people(list_id)]
    assert kept == list(SPELLINGS.values())


def test_every_iso_code_and_name_is_matched_or_known_to_be_missing(countries: tuple[str, ...]) -> None:
    convert = converter(TargetField("[Land]", "Land", "country", countries))
    missing = set()
    for country in pycountry.countries:
        names = [country.alpha_2, country.alpha_3.lower(), country.name, getattr(country, "official_name", "")]
        found = {str(convert(name)) for name in names if name}
        assert len(found) == 1, f"{country.alpha_2} is several countries: {found}"
        if isinstance(convert(country.alpha_2), Violation):
            missing.add(country.alpha_2)
    assert missing == NOT_OFFERED


def test_every_country_of_the_vendor_is_matched_with_itself(countries: tuple[str, ...]) -> None:
    convert = converter(TargetField("[Land]", "Land", "country", countries))
    for country in countries:
        assert f'"Value":"{country}"}}' in str(convert(f" {country.upper()} "))


def test_a_list_that_offers_the_country_itself_gets_it() -> None:
    convert = converter(TargetField("[Land]", "Land", "country", ("Serbia", "Serbia & Montenegro", "Colombia")))
    assert [convert(name) for name in ("RS", "ME", "Columbia")] == [
        '{"Key":"[Land]","Value":"Serbia"}',
        '{"Key":"[Land]","Value":"Serbia & Montenegro"}',
        '{"Key":"[Land]","Value":"Colombia"}',
    ]


@pytest.mark.parametrize("value", ["Atlantis", "XX", "-", True, False, 47])
def test_anything_else_is_no_country(countries: tuple[str, ...], value: object) -> None:
    convert = converter(TargetField("[Land]", "Land", "country", countries))
    assert isinstance(convert(value), Violation)


def test_the_sandbox_offers_the_countries_of_the_vendor(countries: tuple[str, ...]) -> None:
    assert len(countries) == 245
    assert {"Columbia", "Korea South", "Serbia & Montenegro", "Wallis & Futana Is"} < set(countries)
    assert not {"Colombia", "South Korea", "Serbia", "Côte d'Ivoire"} & set(countries)

"""The text on data privacy and compliance, in six languages."""

from hashlib import sha256
from pathlib import Path

import pytest
from django.utils import translation
from pytest_django import Settings

from connections import consent_text, destinations

pytestmark = pytest.mark.django_db

LANGUAGES = list(consent_text.TEXTS)


@pytest.fixture(autouse=True)
def _named(settings: Settings) -> None:
    settings.ORGANISATION_NAME = "Example & Sons"
    settings.PRIVACY_STATEMENT_URL = "https://example.com/privacy"


def read(language: str | None = None) -> consent_text.ConsentText:
    return consent_text.read(destinations.get("campaign_monitor"), language)


def test_it_exists_in_every_language_of_the_product(settings: Settings) -> None:
    assert [code for code, _name in consent_text.languages()] == [code for code, _name in settings.LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_names_the_destination_the_product_and_the_organization(language: str) -> None:
    text = read(language)
    together = " ".join(text.paragraphs)
    assert (text.language, len(text.paragraphs)) == (language, 3)
    for name in ("Campaign Monitor", "Segment Exports", "Example & Sons"):
        assert name in together
    assert "Example & Sons" in text.statement
    assert "{" not in text.in_full
    assert text.in_full.endswith("https://example.com/privacy")


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("name", ["", "your organization", "your organisation"])
def test_no_language_says_it_in_english(language: str, name: str, settings: Settings) -> None:
    settings.ORGANISATION_NAME = name
    assert not set(read(language).paragraphs) & set(read("en").paragraphs)
    assert "your organi" not in read(language).in_full


def test_a_change_of_the_words_is_a_new_version() -> None:
    """Consent is to the words. When they change, change the version too, and then this hash of the file."""
    words = Path(consent_text.__file__).with_name("consent_texts.json").read_bytes()
    assert (consent_text.VERSION, sha256(words).hexdigest()) == (
        "2026-11",
        "ef8df74495458981cd7ee6b4c8b7cdad943b3fb054c42bdf1b932f5f12ad6321",
    )


@pytest.mark.parametrize("wanted", [None, "", "tlh"])
def test_it_is_read_in_the_language_of_the_page_unless_another_is_chosen(wanted: str | None) -> None:
    with translation.override("fi"):
        assert read(wanted).language == "fi"
    with translation.override("de"):
        assert read(wanted).language == "en"

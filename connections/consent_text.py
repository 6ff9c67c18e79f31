"""Read the consent text of connections, which consent_texts.json holds in every language of the product.

The texts are not among the translations of the pages: a text has a version, and a change of the words in any
language is a new version, which asks for consent again. The text is stored with the consent, word for word.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import get_language

from config.platform.web.models import organisation_name
from connections.destinations.base import Destination

VERSION = "2026-11"
FALLBACK = "en"


@dataclass(frozen=True)
class Words:
    """The text in one language, with placeholders {destination}, {product} and {organisation}."""

    paragraphs: Sequence[str]
    statement: str  # what the link to the privacy statement says
    your_organisation: str  # where the settings give no name


TEXTS: dict[str, Words] = {
    language: Words(**words)
    for language, words in json.loads(Path(__file__).with_name("consent_texts.json").read_text("utf-8")).items()
}


# Names that installations have given for “none”; the words of the text keep their spelling until a new version.
_NO_NAMES = ("", "your organization", TEXTS[FALLBACK].your_organisation)


@dataclass(frozen=True)
class ConsentText:
    """The text of one destination in one language, without placeholders."""

    language: str
    paragraphs: Sequence[str]
    statement: str
    statement_url: str  # empty where the settings give none
    version: str = VERSION

    @property
    def in_full(self) -> str:
        """Return the text as it is stored with a consent, with the address of the privacy statement."""
        statement = [f"{self.statement}: {self.statement_url}"] if self.statement_url else []
        return "\n\n".join([*self.paragraphs, *statement])


def read(destination: Destination, language: str | None = None) -> ConsentText:
    """Return the text in ``language``; without one, or when it has no text, in the language of the page."""
    chosen = _language(language)
    words = TEXTS[chosen]
    organisation = organisation_name()
    named = organisation not in _NO_NAMES
    names = {
        "destination": str(destination.label),
        "organisation": organisation if named else words.your_organisation,
        "product": settings.PRODUCT_NAME,
    }
    return ConsentText(
        language=chosen,
        paragraphs=[paragraph.format(**names) for paragraph in words.paragraphs],
        statement=words.statement.format(**names),
        statement_url=settings.PRIVACY_STATEMENT_URL,
    )


def languages() -> list[tuple[str, str]]:
    """Return the languages to choose from, each by its own name."""
    return [(code, str(name)) for code, name in settings.LANGUAGES if code in TEXTS]


def _language(wanted: str | None) -> str:
    for language in (wanted, get_language()):
        if language in TEXTS:
            return language
    return FALLBACK

"""Refuse passwords that consist mainly of words of this installation, which are the first that others try."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from config.platform.web.models import organisation_name

_SHORTEST_WORD = 4
_SHORTEST_REST = 8


class InstallationWordsValidator:
    """Refuses a password of which fewer than eight characters are left without the names of the product, the
    organization and the site."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a password that consists mainly of such words."""
        rest = whole = password.casefold()
        for word in sorted(set(installation_words()), key=len, reverse=True):
            rest = rest.replace(word, "")
        if rest != whole and len(rest) < _SHORTEST_REST:
            raise ValidationError(self.get_help_text(), code="installation_words")

    def get_help_text(self) -> str:
        """Return the rule as a sentence for forms."""
        return _("Your password can’t consist mainly of the name of the product, the organization or this site.")


def installation_words() -> Iterator[str]:
    """Return the words, in small letters: each name as a whole, without its spaces, and word by word."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    for name in (settings.PRODUCT_NAME, organisation_name(), host.replace(".", " ")):
        words = re.findall(r"\w+", name.casefold())
        for each in (" ".join(words), "".join(words), "-".join(words), "_".join(words), *words):
            if len(each) >= _SHORTEST_WORD:
                yield each

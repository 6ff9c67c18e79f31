"""Join words to a list, as the language that is active writes it."""

from collections.abc import Iterable

from django.utils.translation import gettext as _


def join_words(words: Iterable[str]) -> str:
    """Return “a, b, c”; in Chinese “a、b、c”."""
    return _(", ").join(words)

"""Translate texts that workers have stored.

A worker stores a message in the language of the sources, since it does not know who will read it. A text without
values in it is the name of its own translation, so that a page can show it in the language of its reader. Texts
with values, and those of vendors, have no translation and stay as they are.
"""

from django.utils.translation import gettext


def translate_stored(text: str) -> str:
    """Return a stored text in the language that is active, where there is a translation of it."""
    return gettext(text) if text else ""

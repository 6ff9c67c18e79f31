"""Translate texts that workers have stored.

A worker stores a message in the language of the sources, since it does not know who will read it. A text without
values in it is the name of its own translation, so that a page can show it in the language of its reader. Texts
with values are recognized by their sentences, where a page knows those. Others, and the texts of vendors, have no
translation and stay as they are.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from django.utils.translation import gettext

_VALUE = re.compile(r"%\((\w+)\)[sd]")


def translate_stored(text: str) -> str:
    """Return a stored text in the language that is active, where there is a translation of it."""
    return gettext(text) if text else ""


def translate_filled(text: str, sentences: Iterable[str]) -> str:
    """Return a stored text in the language that is active, when it is one of the sentences, such as “Line %(line)d
    was used.”, with values, which are translated too where there is a translation."""
    for sentence in sentences:
        if match := _pattern(sentence).fullmatch(text):
            values = {name: gettext(value) if value else "" for name, value in match.groupdict().items()}
            return _VALUE.sub(r"%(\1)s", gettext(sentence)) % values
    return translate_stored(text)


@lru_cache(maxsize=256)
def _pattern(sentence: str) -> re.Pattern[str]:
    parts = _VALUE.split(sentence)  # text, name, text, name, …, text
    texts = (re.escape(part) if at % 2 == 0 else f"(?P<{part}>.*?)" for at, part in enumerate(parts))
    return re.compile("".join(texts), re.DOTALL)

"""Clean the column names of a header: spaces and invisible characters, missing names, names that occur twice."""

import re
from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from config.platform.text.addresses import INVISIBLE
from segments.sources.files.file_format import FileRefused

_SPACES: Final = re.compile(r"[\s\x00-\x1f\x7f-\xa0]+")
# Joiners shape letters of some scripts inside a word; everything else that is invisible is dropped.
_DROPPED: Final = str.maketrans(
    dict.fromkeys(
        character for character in INVISIBLE if not character.isspace() and character not in "\u200c\u200d"
    )
)


def clean_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns: trimmed, without invisible characters, one space instead of line breaks and
    other blanks; a column without a name is called after its position, a repeated name gets a number.

    Trailing columns without a name are dropped: a delimiter at the end of each line makes one. Raises FileRefused
    when no name is left or when there are more than MAX_COLUMNS.
    """
    cleaned = [_cleaned(name) for name in names]
    while cleaned and not cleaned[-1]:
        cleaned.pop()
    if not cleaned:
        raise FileRefused(_("The file has no header line."))
    if len(cleaned) > settings.MAX_COLUMNS:
        raise FileRefused(
            _("The file has %(number)d columns. The maximum is %(most)d.")
            % {"number": len(cleaned), "most": settings.MAX_COLUMNS}
        )
    given = {name.casefold() for name in cleaned}
    seen: set[str] = set()
    unique = []
    for position, found in enumerate(cleaned, start=1):
        name = found or f"column {position}"
        if name.casefold() in seen:
            name = _numbered(name, given | seen)
        seen.add(name.casefold())
        unique.append(name)
    return tuple(unique)


def _cleaned(name: str) -> str:
    name = name.translate(_DROPPED).encode("utf-8", "replace").decode()
    return _SPACES.sub(" ", name).strip(INVISIBLE)


def _numbered(name: str, used: set[str]) -> str:
    number = 2
    while f"{name} {number}".casefold() in used:
        number += 1
    return f"{name} {number}"

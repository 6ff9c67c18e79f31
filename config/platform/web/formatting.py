"""Format dates, times and numbers as the user chose: set for each request, the language's own elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import formats, numberformat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# For each format what it is called: by how the same moment and number look in it.
DATES: list[tuple[str, str | Promise]] = [
    ("", _("As the language has it")),
    ("Y-m-d", "2026-11-30"),
    ("j.n.Y", "30.11.2026"),
    ("d/m/Y", "30/11/2026"),
    ("m/d/Y", "11/30/2026"),
    ("j M Y", _("30 Nov 2026")),
]
TIMES: list[tuple[str, str | Promise]] = [("", "18:05:09"), ("g:i:s A", _("6:05:09 PM"))]
NUMBERS: list[tuple[str, str | Promise]] = [
    ("", _("As the language has it")),
    (".,", "1,234,567.89"),
    (",.", "1.234.567,89"),
    (",\N{NO-BREAK SPACE}", "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567,89"),
    (".’", "1’234’567.89"),
]
_TIME = "H:i:s"


@dataclass(frozen=True)
class Formats:
    """One person's choice; empty is the language's own. ``numbers`` is the decimal sign and the one between
    thousands."""

    date: str = ""
    time: str = ""
    numbers: str = ""


_AS_THE_LANGUAGE = Formats()
_chosen: ContextVar[Formats] = ContextVar("formats", default=_AS_THE_LANGUAGE)


@contextmanager
def written_in(chosen: Formats) -> Iterator[None]:
    """Write so for as long as the block lasts."""
    token = _chosen.set(chosen)
    try:
        yield
    finally:
        _chosen.reset(token)


def day(value: date | datetime) -> str:
    """A date, in the zone that it has."""
    return formats.date_format(value, _chosen.get().date or "DATE_FORMAT")


def time_of_day(value: datetime) -> str:
    """A time to the second, in the zone that it has."""
    return formats.time_format(value, _chosen.get().time or _TIME)


def amount(value: int | float, places: int | None) -> str:
    """A number with its thousands set apart, to so many decimals (None: as many as it has)."""
    signs = _chosen.get().numbers
    if not signs:
        return formats.number_format(value, places, use_l10n=True, force_grouping=True)
    return numberformat.format(
        value, signs[0], decimal_pos=places, grouping=3, thousand_sep=signs[1], force_grouping=True
    )

"""Format dates, times, spans and numbers in the reader's language, as the user chose.

The formats are set for each request (``use_formats``); elsewhere those of the language hold.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import formats, numberformat, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs import clock

# For each format what it is called: by how the same moment and number look in it.
DATES: list[tuple[str, str | Promise]] = [
    ("", gettext_lazy("Language default")),
    ("Y-m-d", "2026-11-30"),
    ("j.n.Y", "30.11.2026"),
    ("d/m/Y", "30/11/2026"),
    ("m/d/Y", "11/30/2026"),
    ("j M Y", gettext_lazy("30 Nov 2026")),
]
TIMES: list[tuple[str, str | Promise]] = [("", "18:05:09"), ("g:i:s A", gettext_lazy("6:05:09 PM"))]
NUMBERS: list[tuple[str, str | Promise]] = [
    ("", gettext_lazy("Language default")),
    (".,", "1,234,567.89"),
    (",.", "1.234.567,89"),
    (",\N{NO-BREAK SPACE}", "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567,89"),
    (".’", "1’234’567.89"),
]
_TIME = "H:i:s"


@dataclass(frozen=True)
class Formats:
    """The formats that a user chose; empty is the language's own. ``numbers`` is the decimal sign and the one
    between thousands."""

    date: str = ""
    time: str = ""
    numbers: str = ""


_AS_THE_LANGUAGE = Formats()
_chosen: ContextVar[Formats] = ContextVar("formats", default=_AS_THE_LANGUAGE)


@contextmanager
def use_formats(chosen: Formats) -> Iterator[None]:
    """Use ``formats`` within the block."""
    token = _chosen.set(chosen)
    try:
        yield
    finally:
        _chosen.reset(token)


def day(value: date | datetime) -> str:
    """Format a date, in the zone that it has."""
    return formats.date_format(value, _chosen.get().date or "DATE_FORMAT")


def time_of_day(value: datetime) -> str:
    """Format a time to the second, in the zone that it has."""
    return formats.time_format(value, _chosen.get().time or _TIME)


def amount(value: int | float, places: int | None) -> str:
    """Return a number with its thousands set apart, to so many decimals (None: as many as it has)."""
    signs = _chosen.get().numbers
    if not signs:
        return formats.number_format(value, places, use_l10n=True, force_grouping=True)
    return numberformat.format(
        value, signs[0], decimal_pos=places, grouping=3, thousand_sep=signs[1], force_grouping=True
    )


MINUTE, HOUR, DAY = 60, 3600, 86400
_NEAR = 45
# How a span since a moment, or until one, is written.
_PAST = {
    MINUTE: ngettext_lazy("%(n)d minute ago", "%(n)d minutes ago", "n"),
    HOUR: ngettext_lazy("%(n)d hour ago", "%(n)d hours ago", "n"),
    DAY: ngettext_lazy("%(n)d day ago", "%(n)d days ago", "n"),
}
_AHEAD = {
    MINUTE: ngettext_lazy("in %(n)d minute", "in %(n)d minutes", "n"),
    HOUR: ngettext_lazy("in %(n)d hour", "in %(n)d hours", "n"),
    DAY: ngettext_lazy("in %(n)d day", "in %(n)d days", "n"),
}


def number(value: int | float | None, decimals: int | None = None) -> str:
    """Format a number: 12345 as “12,345”, None as a dash."""
    if value is None:
        return "–"
    places = decimals if decimals is not None else (0 if isinstance(value, int) else None)
    return amount(value, places)


def duration(span: timedelta | float | None) -> str:
    """Format a span (seconds, or a timedelta): “0.4 s”, “12 s”, “3 min 5 s”, “2 h 10 min”, “3 d 4 h”."""
    if span is None:
        return "–"
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    short = round(max(seconds, 0.0), 1)
    if short < 10:
        return _("%(seconds)s s") % {"seconds": number(short, 1 if short % 1 else 0)}
    whole = int(short)
    if whole < MINUTE:
        return _("%(seconds)d s") % {"seconds": whole}
    if whole < HOUR:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": whole // MINUTE, "seconds": whole % MINUTE}
    if whole < DAY:
        return _("%(hours)d h %(minutes)d min") % {"hours": whole // HOUR, "minutes": whole % HOUR // MINUTE}
    return _("%(days)d d %(hours)d h") % {"days": whole // DAY, "hours": whole % DAY // HOUR}


def ago(moment: datetime) -> str:
    """Say how long ago a moment was, or how long until it comes: “just now”, “5 minutes ago”, “in 3 hours”; a date
    when more than a month lies between."""
    seconds = int((clock.now() - moment).total_seconds())
    is_past, seconds = seconds >= 0, abs(seconds)
    if seconds < _NEAR:
        return _("just now") if is_past else _("in a moment")
    if seconds >= 31 * DAY:
        return day(timezone.localtime(moment))
    unit = MINUTE if seconds < HOUR else HOUR if seconds < DAY else DAY
    n = max(1, round(seconds / MINUTE)) if unit == MINUTE else seconds // unit
    return str((_PAST if is_past else _AHEAD)[unit] % {"n": n})


def exact(moment: datetime) -> str:
    """Format date and time with the zone, in the reader's own zone."""
    local = timezone.localtime(moment)
    return f"{day(local)}, {time_of_day(local)} {local.tzname()}"


def weekday_and_time(local: datetime) -> str:
    """Format weekday, date and time, in the zone that it has."""
    return f"{formats.date_format(local, 'D')} {day(local)}, {local:%H:%M}"


DOTS = "•••"


def masked(value: object, user: object) -> str:
    """Mask ``value`` unless ``user`` may see it: an address as “a•••@e•••.com”, all else as “•••”. What is
    empty stays empty."""
    text = "" if value is None else str(value)
    if not text or (isinstance(user, User) and user.may(Permission.PERSONAL_DATA_SEE)):
        return text
    return mask(text)


def mask(text: str) -> str:
    """Return the masked form of a text."""
    name, at, domain = text.strip().rpartition("@")
    if not at or not name or not domain:
        return DOTS
    host, dot, ending = domain.rpartition(".")
    return f"{name[0]}{DOTS}@{host[0]}{DOTS}.{ending}" if dot and host else f"{name[0]}{DOTS}@{DOTS}"

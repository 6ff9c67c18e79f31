"""Moments, spans and numbers in words, in the reader's language."""

from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.jobs import clock
from config.platform.web import formatting

MINUTE, HOUR, DAY = 60, 3600, 86400
_NEAR = 45


def number(value: int | float | None, decimals: int | None = None) -> str:
    """12345 as “12,345”; nothing as a dash."""
    if value is None:
        return "–"
    places = decimals if decimals is not None else (0 if isinstance(value, int) else None)
    return formatting.amount(value, places)


def duration(span: timedelta | float | None) -> str:
    """How long something took or will take: “0.4 s”, “12 s”, “3 min 5 s”, “2 h 10 min”, “3 d 4 h”."""
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
    """How long ago: “just now”, “5 minutes ago”, “yesterday”; a date when more than a month lies between."""
    seconds = int((clock.now() - moment).total_seconds())
    if seconds < 0:
        return ahead(-seconds, moment)
    if seconds < _NEAR:
        return _("just now")
    if seconds < HOUR:
        minutes = max(1, round(seconds / MINUTE))
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    if seconds < DAY:
        hours = seconds // HOUR
        return ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}
    days = seconds // DAY
    if days <= 30:
        return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}
    return formatting.day(timezone.localtime(moment))


def ahead(seconds: int, moment: datetime) -> str:
    """The same for what is yet to come."""
    if seconds < _NEAR:
        return _("in a moment")
    if seconds < HOUR:
        minutes = max(1, round(seconds / MINUTE))
        return ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}
    if seconds < DAY:
        hours = seconds // HOUR
        return ngettext("in %(n)d hour", "in %(n)d hours", hours) % {"n": hours}
    days = seconds // DAY
    if days <= 30:
        return ngettext("in %(n)d day", "in %(n)d days", days) % {"n": days}
    return formatting.day(timezone.localtime(moment))


def exact(moment: datetime) -> str:
    """Date and time with its zone, in the reader's own zone."""
    local = timezone.localtime(moment)
    return f"{formatting.day(local)}, {formatting.time_of_day(local)} {local.tzname()}"


def on_the_wall(local: datetime) -> str:
    """Weekday, date and time, as a calendar and a clock in that zone show them."""
    return f"{formats.date_format(local, 'D')} {formatting.day(local)}, {local:%H:%M}"

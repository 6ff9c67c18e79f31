"""Template tags that every template may use (they are built in, see settings)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import lucide
from django import template
from django.template.context import Context
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config.platform.accounts.permissions import Permission
from config.platform.schedules import display
from config.platform.text.stored_texts import translate_stored
from config.platform.web import formats, static_files

register = template.Library()


@dataclass(frozen=True)
class StatusStyle:
    """The tone and the icon of a status: no page chooses colors. ``tone`` is one of neutral, info, working,
    success, warning, danger; ``icon`` a name of the icon set."""

    tone: str
    icon: str


UNKNOWN = StatusStyle("neutral", "circle-dashed")

STATUS_STYLES: dict[str, StatusStyle] = {
    # jobs: imports, refreshes, runs
    "not_started": StatusStyle("neutral", "circle-dashed"),
    "queued": StatusStyle("info", "clock"),
    "processing": StatusStyle("working", ""),
    "refreshing": StatusStyle("working", ""),
    "canceling": StatusStyle("working", ""),
    "successful": StatusStyle("success", "circle-check"),
    "warnings": StatusStyle("warning", "triangle-alert"),
    "skipped": StatusStyle("neutral", "skip-forward"),
    "failure": StatusStyle("warning", "rotate-cw"),
    "failed": StatusStyle("danger", "circle-x"),
    "canceled": StatusStyle("neutral", "ban"),
    "needs_confirmation": StatusStyle("warning", "circle-question-mark"),
    # connections and exports
    "connected": StatusStyle("success", "circle-check"),
    "not_connected": StatusStyle("neutral", "unplug"),
    "no_connection": StatusStyle("neutral", "unplug"),
    "consent_needed": StatusStyle("warning", "shield-alert"),
    "reconnect": StatusStyle("danger", "unplug"),
    # outcomes
    "delivered": StatusStyle("success", "circle-check"),
    "unchanged": StatusStyle("neutral", "circle-check"),
    "excluded": StatusStyle("neutral", "circle-minus"),
    "suppressed": StatusStyle("neutral", "circle-minus"),
    "previously_rejected": StatusStyle("neutral", "circle-x"),
    "rejected": StatusStyle("danger", "circle-x"),
    "not_attempted": StatusStyle("neutral", "circle-dashed"),
    "removed": StatusStyle("neutral", "circle-minus"),
    "not_removed": StatusStyle("neutral", "circle-dashed"),
    "awaiting_confirmation": StatusStyle("warning", "circle-question-mark"),
    # the state of parts of the system, of accounts and of switches
    "ok": StatusStyle("success", "circle-check"),
    "active": StatusStyle("success", "circle-check"),
    "inactive": StatusStyle("neutral", "circle-minus"),
    "unknown": StatusStyle("neutral", "circle-question-mark"),
    "down": StatusStyle("danger", "circle-x"),
}


@register.simple_tag
def bundle_urls(kind: str) -> list[str]:
    """Return the addresses of the style sheets (“css”) or the scripts (“js”) of all pages."""
    return static_files.urls_of(static_files.STYLES if kind == "css" else static_files.SCRIPTS)


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """Render an icon, hidden from screen readers: there has to be text beside it."""
    return _render_icon(str.__str__(name), size)


@lru_cache(maxsize=1024)
def _render_icon(name: str, size: int) -> SafeString:
    """Render an icon once in each process: a page has dozens, and each takes as long as a small template."""
    svg = lucide._render_icon(name, size, aria_hidden="true", focusable="false", **{"class": "icon"})
    return mark_safe(svg)  # noqa: S308 — drawn by the icon library from its own files


@register.simple_tag
def status_pill(status: str, label: str | Promise = "", tone: str = "", icon_name: str = "") -> SafeString:
    """Render a status as an icon and a word in its tone: ``{% status_pill run.status run.get_status_display %}``.
    Give ``tone`` and ``icon_name`` for statuses that STATUS_STYLES does not have."""
    style = STATUS_STYLES.get(str(status), UNKNOWN)
    tone = tone or style.tone
    dot = SafeString('<span class="pill__dot" aria-hidden="true"></span>')
    mark = dot if tone == "working" else icon(icon_name or style.icon or UNKNOWN.icon, 14)
    text = label or str(status).replace("_", " ").capitalize()
    return format_html('<span class="pill pill--{}">{}<span class="pill__text">{}</span></span>', tone, mark, text)


@register.simple_tag
def ago(moment: datetime | None, never: str = "") -> SafeString:
    """Render “5 minutes ago”, with the exact moment on hover; a dash (or ``never``) when there is none."""
    if moment is None:
        return format_html('<span class="muted">{}</span>', never or "–")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), formats.exact(moment), formats.ago(moment)
    )


@register.simple_tag
def moment(value: datetime | None) -> SafeString:
    """Render date and time in full."""
    if value is None:
        return format_html('<span class="muted">{}</span>', "–")
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), formats.exact(value))


@register.simple_tag
def zoned(value: datetime, zone: str) -> SafeString:
    """Render weekday, date and time in a time zone, such as that of a schedule."""
    local = value.astimezone(ZoneInfo(zone))
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), formats.weekday_and_time(local))


@register.inclusion_tag("components/system_refresh_off.html", takes_context=True)
def system_refresh_off(context: Context, sentence: str) -> dict[str, object]:
    """Render, while the system refresh is off, ``sentence`` about what relies on it, and what the user can do."""
    request = context["request"]
    return {
        "sentence": sentence,
        "is_off": not display.system_state().is_on,
        "may_manage": request.user.may(Permission.SYSTEM_MANAGE),
    }


@register.simple_tag
def day(value: date) -> SafeString:
    """Render a date."""
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), formats.day(value))


@register.filter(name="translate_stored")
def translated(text: str) -> str:
    """Translate a text that a worker has stored: ``{{ job.message|translate_stored }}``."""
    return translate_stored(text)


@register.simple_tag
def number(value: int | float | None, decimals: int | None = None) -> str:
    """Render 12345 as “12,345”."""
    return formats.number(value, decimals)


@register.simple_tag
def duration(value: timedelta | float | None) -> str:
    """Render seconds or a span as “3 min 5 s”."""
    return formats.duration(value)


@register.simple_tag
def percent(part: float | None, whole: float | None) -> str:
    """Render ``part`` of ``whole`` as “42%”; a dash when there is nothing to divide by. Never 100% for less than
    all, nor 0% for more than nothing."""
    if part is None or not whole:
        return "–"
    share = part * 100 / whole
    if 0 < share < 1:
        return _("<1%")
    return _("%(share)s%%") % {"share": 99 if 99 < share < 100 else round(share)}


@register.simple_tag
def masked(value: object, user: object) -> str:
    """Render personal data, masked unless ``user`` may see it."""
    return formats.masked(value, user)


@register.simple_tag(takes_context=True)
def version_field(context: Context, instance: Any) -> SafeString:
    """Render the hidden field that says which version of ``instance`` this pane edits. What was posted stays,
    so that showing a pane again never hides another user's change."""
    request = context.get("request")
    posted = request.POST.get("version") if request is not None else None
    return format_html('<input type="hidden" name="version" value="{}">', posted or instance.version)

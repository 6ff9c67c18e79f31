"""Admin > Audit: list, filter and download who changed what, when and from where."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.audit import labels
from config.platform.audit.models import AuditEntry
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.text import csv_lines
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, ListPage, list_page, search_in

SEARCHED = ("actor_name", "action", "target_name", "from_address", "details")


# Days around these have moments in every time zone, which the first and the last day of the calendar lack.
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)


class Filters(forms.Form):
    """Filters of the audit; each may stay empty, and unknown values are ignored."""

    use_required_attribute = False

    who = forms.ChoiceField(label=_("Who"), required=False)
    kind = forms.ChoiceField(label=_("What"), required=False)
    action = forms.ChoiceField(label=_("Action"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "filter-%s", **kwargs})
        self._choices("who", [(name, labels.actor(name)) for name in _distinct("actor_name")])
        self._choices("kind", [(name, labels.kind(name)) for name in _distinct("target_kind")])
        actions = {labels.code_of_action(name) for name in _distinct("action")}
        self._choices("action", [(code, labels.action(code)) for code in actions])

    def found(self) -> "QuerySet[AuditEntry]":
        """Select the entries that match, with ``details`` (the changes as text) to search in."""
        self.is_valid()
        cleaned = self.cleaned_data
        entries = AuditEntry.objects.annotate(details=Cast("changes", TextField()))
        for key, name in (("who", "actor_name"), ("kind", "target_kind")):
            if cleaned.get(key):
                entries = entries.filter(**{name: cleaned[key]})
        if code := cleaned.get("action"):
            entries = entries.filter(Q(action=code) | Q(action__endswith=f".{code}"))
        if cleaned.get("since"):
            entries = entries.filter(at__gte=_midnight(cleaned["since"]))
        if cleaned.get("until"):
            entries = entries.filter(at__lt=_midnight(min(cleaned["until"], _LAST_DAY) + timedelta(days=1)))
        return entries

    def chosen(self) -> dict[str, str]:
        """Return the chosen filters by name, for the audit entry of a download."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    def _choices(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        ordered = sorted(choices, key=lambda choice: choice[1].lower())
        self.fields[name].choices = [("", _("All")), *ordered]  # type: ignore[attr-defined]


def _distinct(name: str) -> Iterator[str]:
    return iter(AuditEntry.objects.order_by(name).values_list(name, flat=True).distinct())


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(min(max(day, _FIRST_DAY), _LAST_DAY), time.min))


# Column names stay as they are in every language: programs read them.
HEAD = ("id", "when", "who", "from", "what", "kind", "target id", "target", "field", "before", "after")


@dataclass
class AuditRecord:
    """The audit itself, as the target of the entry of a download."""

    pk: int = 0

    def __str__(self) -> str:
        return "Audit record"


def audit_lines(entries: "QuerySet[AuditEntry]") -> Iterator[str]:
    """Yield CSV, a line per changed field (one line for an action without any). Never holds the whole audit in
    memory."""
    yield csv_lines.BYTE_ORDER_MARK + csv_lines.csv_line(HEAD)
    for entry in entries.iterator(chunk_size=1000):
        for row in _rows(entry):
            yield csv_lines.csv_line(row)


def _rows(entry: AuditEntry) -> Iterator[tuple[str, ...]]:
    start = (
        str(entry.pk),
        entry.at.isoformat(timespec="seconds"),
        entry.actor_name,
        entry.from_address,
        entry.action,
        entry.target_kind,
        str(entry.target_id or ""),
        entry.target_name,
    )
    if not entry.changes:
        yield (*start, "", "", "")
    for name, (before, after) in entry.changes.items():
        yield (*start, name, _cell(before), _cell(after))


def _cell(stored: object) -> str:
    return "" if stored is None else labels.value(stored)


COLUMNS = (
    Column("at", gettext_lazy("When"), order_by=("at", "id")),
    Column("who", gettext_lazy("Who"), order_by=("actor_name", "id")),
    Column("action", gettext_lazy("Action"), order_by=("action", "id")),
    Column("target", gettext_lazy("What"), order_by=("target_kind", "target_name", "id")),
    Column("changes", gettext_lazy("Changes")),
    Column("from", gettext_lazy("Source (IP)"), order_by=("from_address", "id")),
)


@dataclass(frozen=True)
class Shown:
    """An entry with its labels, as the page shows it."""

    entry: AuditEntry

    @property
    def action(self) -> str:
        return labels.action(self.entry.action)

    @property
    def actor(self) -> str:
        return labels.actor(self.entry.actor_name)

    @property
    def kind(self) -> str:
        return labels.kind(self.entry.target_kind)

    @property
    def changes(self) -> Iterator[tuple[str, str, str]]:
        """Yield each changed field with its old and its new value."""
        for name, (before, after) in self.entry.changes.items():
            yield labels.field(name), labels.value(before, name), labels.value(after, name)


@require_permission(Permission.AUDIT_VIEW)
@require_safe
def audit(request: Request) -> HttpResponse:
    """List the audit, the newest entries first."""
    filters = Filters(request.GET)
    page: ListPage[AuditEntry] = list_page(
        request, filters.found(), columns=COLUMNS, search=SEARCHED, default="-at", selectable=False
    )
    context = {
        "list": page,
        "shown": [Shown(entry) for entry in page.rows],
        "filters": filters,
        "active_nav": "audit",
        "query": request.GET.urlencode(),
    }
    return render(request, "audit/list.html", context)


@require_permission(Permission.AUDIT_VIEW)
@require_safe
def download(request: Request) -> StreamingHttpResponse:
    """Download the entries that the filters let through, as CSV. The download is recorded itself, without the
    text that was searched for: it may name a person, and the audit cannot forget."""
    filters = Filters(request.GET)
    entries = search_in(request, filters.found(), SEARCHED).order_by("-id")
    chosen = filters.chosen() | ({"text": "…"} if request.GET.get("q") else {})
    record("downloaded", AuditRecord(), by=request.user, changes={"filters": (None, chosen)} if chosen else None)
    name = f"audit-{clock.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(audit_lines(entries), content_type="text/csv; charset=utf-8", headers=headers)

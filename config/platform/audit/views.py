"""Admin > Audit: list and download who changed what, when and from where."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.audit import labels
from config.platform.audit.filters import SEARCHED, Filters
from config.platform.audit.models import AuditEntry
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.text import csv_lines
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, ListPage, list_page, search_in

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
    def kind(self) -> str:
        return labels.kind(self.entry.target_kind)

    @property
    def changes(self) -> Iterator[tuple[str, str, str]]:
        """Each changed field with what it was and what it is."""
        for name, (before, after) in self.entry.changes.items():
            yield labels.field(name), labels.value(before), labels.value(after)


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
    """What the page's filters let through, as CSV. That it was taken is itself recorded, without the text that was
    searched for: it may name a person, and the record cannot forget."""
    filters = Filters(request.GET)
    entries = search_in(request, filters.found(), SEARCHED).order_by("-id")
    said = filters.said() | ({"text": "…"} if request.GET.get("q") else {})
    record("downloaded", AuditRecord(), by=request.user, changes={"filters": (None, said)} if said else None)
    name = f"audit-{clock.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(audit_lines(entries), content_type="text/csv; charset=utf-8", headers=headers)

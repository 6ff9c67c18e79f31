"""Admin > Audit: who changed what, when and from where."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.audit import words
from config.platform.audit.download import AuditRecord, lines
from config.platform.audit.finding import SEARCHED, Filters
from config.platform.audit.models import AuditEntry
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, ListPage, list_page, search_in

COLUMNS = (
    Column("at", gettext_lazy("When"), order_by=("at", "id")),
    Column("who", gettext_lazy("Who"), order_by=("actor_name", "id")),
    Column("action", gettext_lazy("Action"), order_by=("action", "id")),
    Column("target", gettext_lazy("What"), order_by=("target_kind", "target_name", "id")),
    Column("changes", gettext_lazy("Before and after")),
    Column("from", gettext_lazy("From where"), order_by=("from_address", "id")),
)


@dataclass(frozen=True)
class Shown:
    """An entry in words."""

    entry: AuditEntry

    @property
    def action(self) -> str:
        return words.action(self.entry.action)

    @property
    def kind(self) -> str:
        return words.kind(self.entry.target_kind)

    @property
    def changes(self) -> Iterator[tuple[str, str, str]]:
        """Each changed field with what it was and what it is."""
        for name, (before, after) in self.entry.changes.items():
            yield words.field(name), words.value(before), words.value(after)


@require_permission(Permission.AUDIT_VIEW)
@require_safe
def audit(request: Request) -> HttpResponse:
    """The record, the newest first."""
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
    return StreamingHttpResponse(lines(entries), content_type="text/csv; charset=utf-8", headers=headers)

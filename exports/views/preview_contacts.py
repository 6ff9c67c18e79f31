"""List the contacts of a preview by result: who would be sent, excluded or removed, before anything is sent."""

from collections.abc import Mapping
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet, Sum
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.platform import db
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.web.htmx import Request
from config.platform.web.lists import Column
from exports.models import ContactBlock, ExportPreview
from exports.reporting import messages
from exports.reporting.breakdown import OutcomeGroup
from exports.reporting.contact_lists import BlockContacts
from exports.reporting.run_contacts import write_csv
from exports.results import summary
from exports.results.summary import EXCLUDED_PARTS, MEANINGS, REMOVALS, ContactKind, Phase
from exports.views.access import find_export
from exports.views.run_contacts import (
    PAGE_SIZE,
    ContactsPage,
    asked_for,
    kind_of,
    kinds_of,
    shown_contacts,
    words_of,
)

_COLUMNS = (
    Column("email", gettext_lazy("Email")),
    Column("result", gettext_lazy("Result")),
    Column("why", gettext_lazy("Reason")),
    Column("code", gettext_lazy("Code")),
)
_PARTS: dict[ContactKind, tuple[ContactKind, ...]] = {
    ContactKind.EXCLUDED: EXCLUDED_PARTS,
    ContactKind.NOT_ATTEMPTED: (ContactKind.TO_ADD, ContactKind.TO_UPDATE),
    ContactKind.PLANNED: (ContactKind.TO_ADD, ContactKind.TO_UPDATE),
}


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def contacts(request: Request, export_id: int) -> HttpResponse:
    """List the contacts of one number of the latest preview (``?kind=``), a page at a time."""
    export = find_export(export_id)
    job = _latest(export.pk)
    kind = kind_of(request.GET.get("kind", ContactKind.MEMBERS))
    results = summary.of_preview((job.outline or {})["results"])
    sees_data = request.user.may(Permission.PERSONAL_DATA_SEE)
    words = words_of(request) if sees_data else ""
    reasons = messages.reasons_of_codes(export.pk)
    found = BlockContacts(_blocks(request, job, kind), reasons, words)
    rows = Paginator(cast(Any, found), PAGE_SIZE).get_page(request.GET.get("page", 1))
    page = ContactsPage(
        cast(Any, rows), columns=_COLUMNS, query=request.GET, sort="", search=words, selectable=False
    )
    page.rows_gone = not job.blocks.exists()
    context = {
        "export": export,
        "job": job,
        "kind": kind.value,
        "kind_label": summary.label_of(kind, Phase.PREVIEW),
        "meaning": MEANINGS.get(kind, "") if kind not in (ContactKind.NOT_ATTEMPTED, *REMOVALS) else "",
        "kinds": kinds_of(results, gettext_lazy("Contacts who left the segments")),
        "groups": _groups(job, kind, reasons),
        "code": request.GET.get("code", ""),
        "segment": request.GET.get("segment", ""),
        "list": page,
        "people": shown_contacts(page.rows, Phase.PREVIEW, request.user),
        "rows_gone": page.rows_gone,
        "sees_data": sees_data,
        "query": request.GET.urlencode(),
        "contacts_url": reverse("exports:preview_contacts", args=[export.pk]),
        "active_nav": "exports",
    }
    return render(request, "exports/preview_contacts.html", context)


@require_permission(Permission.EXPORT_VIEW)
@require_permission(Permission.PERSONAL_DATA_SEE)
@require_safe
def download(request: Request, export_id: int) -> StreamingHttpResponse:
    """What the page's filters let through, as CSV. That it was taken is recorded."""
    export = find_export(export_id)
    job = _latest(export.pk)
    kind = kind_of(request.GET.get("kind", ContactKind.MEMBERS))
    reasons = messages.reasons_of_codes(export.pk)
    found = BlockContacts(_blocks(request, job, kind), reasons, words_of(request))
    asked = asked_for(request, kind, ("code", "segment"))
    record("downloaded", export, by=request.user, changes={"people": (None, asked)})
    headers = {"Content-Disposition": f'attachment; filename="preview-{kind}.csv"'}
    return StreamingHttpResponse(write_csv(found), content_type="text/csv; charset=utf-8", headers=headers)


def _latest(export_id: int) -> ExportPreview:
    """Return the latest preview. Raises Http404 when it is not calculated."""
    job = ExportPreview.objects.filter(export=export_id).select_related("export").first()
    if job is None or not job.outline or "results" not in job.outline:
        raise Http404
    return job


def _blocks(request: Request, job: ExportPreview, kind: ContactKind) -> QuerySet[ContactBlock]:
    found = _of_kind(job, kind)
    given = {name: request.GET[name] for name in ("code", "segment") if request.GET.get(name)}
    return found.filter(**given)


def _of_kind(job: ExportPreview, kind: ContactKind) -> QuerySet[ContactBlock]:
    if kind is ContactKind.MEMBERS:
        return job.blocks.filter(~Q(kind__in=REMOVALS))
    return job.blocks.filter(kind__in=_PARTS.get(kind, (kind,)))


def _groups(job: ExportPreview, kind: ContactKind, reasons: Mapping[str, str]) -> list[OutcomeGroup]:
    """Group the contacts of a number by reason and segment, the largest groups first."""
    found = _of_kind(job, kind).exclude(code="").order_by().values("kind", "code", "segment")
    if kind is ContactKind.MEMBERS:
        return []
    return [
        OutcomeGroup(
            ContactKind(row["kind"]),
            row["code"],
            reasons.get(row["code"], row["code"]),
            row["people"],
            segment=row["segment"],
        )
        for row in found.annotate(people=Sum("size")).order_by("-people", "code", "segment")
    ]

"""What a run of an export would do, before anything is sent."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.platform import db
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.formats import number
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, refused
from exports import policies
from exports.actions import preview as actions_preview
from exports.models import Export, ExportPreview, Removal
from exports.permissions import check_can_manage, user_can_manage
from exports.policies import can_run
from exports.removal.removal_plan import RemovalGuard
from exports.results import summary
from exports.views.access import find_export, find_managed_export


@dataclass(frozen=True)
class OverlapRow:
    """One segment beside all: how many members each shares with it; None where it meets itself."""

    name: str
    shared: list[int | None]


@require_permission(Permission.EXPORT_VIEW)
@require_http_methods(["GET", "POST"])
def preview(request: Request, export_id: int) -> HttpResponse:
    """The latest preview; posted to, a new one is worked out."""
    export = find_export(export_id)
    if request.method == "POST":
        check_can_manage(request.user, export)
        try:
            actions_preview.request(export, by=request.user)
        except policies.Refusal as refusal:
            return refused(refusal.sentence)
        return close_pane(request, reverse("exports:preview", args=[export.pk]))
    return render(request, "exports/preview.html", _context(request, export))


@require_permission(Permission.EXPORT_VIEW)
@require_safe
@db.one_moment()
def live(request: Request, export_id: int) -> HttpResponse:
    """The part of the page that changes while it is worked out."""
    return render(request, "exports/preview_live.html", _context(request, find_export(export_id)))


@require_POST
def refresh_and_run(request: Request, export_id: int) -> HttpResponse:
    """Refresh the segments, and run as soon as they are refreshed."""
    export = find_managed_export(request, export_id)
    try:
        run = actions_preview.refresh_and_run(export, by=request.user)
    except policies.Refusal as refusal:
        return refused(refusal.sentence)
    return close_pane(request, reverse("exports:run", args=[run.pk]))


def _context(request: Request, export: Export) -> dict[str, object]:
    job: ExportPreview | None = export.previews.select_related("requested_by").first()
    outline = job.outline if job and job.outline and "results" in job.outline else None
    sample = job.sample if job else []
    may_manage = user_can_manage(request.user, export)
    return {
        "export": export,
        "job": job,
        "outline": outline,
        "summary": summary.of_preview(outline["results"]) if outline else None,
        "warnings": _warnings(export, outline) if outline else [],
        "first_to_send": [contact for contact in sample if not contact.get("is_removal")],
        "first_to_remove": [contact for contact in sample if contact.get("is_removal")],
        "removes": export.removal != Removal.LEAVE,
        "removal_guard": RemovalGuard(outline["removal_guard"]).label
        if outline and outline.get("removal_guard")
        else "",
        "segments": _segments(outline) if outline else [],
        "overlaps": _overlap_rows(outline) if outline else [],
        "is_stale": bool(job and outline and job.export_version != export.version),
        "may_manage": may_manage,
        "may_run": may_manage and can_run(export),
        "may_refresh": may_manage and request.user.may(Permission.SEGMENT_MANAGE),
        "sees_data": request.user.may(Permission.PERSONAL_DATA_SEE),
        "contacts_url": reverse("exports:preview_contacts", args=[export.pk]),
        "live_id": "preview-live",
        "live_url": reverse("exports:preview_live", args=[export.pk]),
        "live_done": not (job and job.is_open),
        "active_nav": "exports",
    }


def _warnings(export: Export, outline: dict[str, Any]) -> list[str]:
    """What would end the run before any contact is sent."""
    results = summary.of_preview(outline["results"])
    people = results.members - results.excluded
    most = settings.MAX_PROFILES_PER_EXPORT
    contract = export.connection.limited.most_people if export.connection else None
    found = []
    if people > most:
        found.append(_("One export sends at most %(limit)s contacts.") % {"limit": number(most)})
    if contract is not None and (outline.get("over_connection") or people) > contract:
        sentence = _("The contract of this connection allows %(limit)s contacts.")
        found.append(sentence % {"limit": number(contract)})
    return [_("%(limit)s The run would end without sending any contacts.") % {"limit": each} for each in found]


def _segments(outline: dict[str, Any]) -> list[dict[str, Any]]:
    """The segments with their age as a moment."""
    return [
        segment | {"refreshed_at": parse_datetime(segment["refreshed_at"] or "")}
        for segment in outline["segments"]
    ]


def _overlap_rows(outline: dict[str, Any]) -> list[OverlapRow]:
    """A square of all segments; empty when there is only one."""
    segments = outline["segments"]
    if len(segments) < 2:
        return []
    shared = {frozenset(pair[:2]): pair[2] for pair in outline["overlaps"]}
    return [
        OverlapRow(
            one["name"],
            [
                None if one["id"] == other["id"] else shared.get(frozenset((one["id"], other["id"])), 0)
                for other in segments
            ],
        )
        for one in segments
    ]

"""One import: how far it is, what came of it, and the rows that were kept out."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import OPEN
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import close_pane, render_dialog
from segments import actions
from segments.models import ImportJob
from segments.permissions import check_can_manage_data_sources, user_can_manage_data_sources

COLUMNS = [
    Column("line", gettext_lazy("Line"), order_by=("line",), kind="line"),
    Column("reason", gettext_lazy("Why it was kept out"), order_by=("reason", "line")),
]
EARLIER = 10


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def import_page(request: Request, pk: int) -> HttpResponse:
    """The page; its upper part follows the import by itself."""
    job = _job(pk)
    problems = list_page(
        request,
        job.problems.all(),
        columns=COLUMNS,
        search=("reason",),
        default="line",
        page_size=100,
        selectable=False,
    )
    others = ImportJob.objects.filter(source=job.source).exclude(pk=pk).order_by("-id")[:EARLIER]
    context = {
        "list": problems,
        "others": others,
        "can_cancel": job.is_open and user_can_manage_data_sources(request.user),
        "active_nav": "data_sources",
    }
    return render(request, "segments/import.html", context | _live_context(job))


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def live(request: Request, pk: int) -> HttpResponse:
    """The part that follows the import."""
    job = _job(pk)
    context = _live_context(job) | {"has_just_ended": not job.is_open}
    return render(request, "segments/import_live.html", context)


def cancel(request: Request, pk: int) -> HttpResponse:
    """The question, and by POST the action."""
    check_can_manage_data_sources(request.user)
    job = _job(pk)
    to = reverse("segments:import", args=[pk])
    if request.method == "POST":
        actions.cancel_import(job, by=request.user)
        return close_pane(request, to, _("The import is being canceled."))
    context = {
        "title": _("Cancel the import?"),
        "sentence": _("An import is all or nothing: none of its rows will be kept."),
        "confirm_label": _("Cancel the import"),
        "danger": True,
    }
    return render_dialog(request, context, back=to)


def _job(pk: int) -> ImportJob:
    return get_object_or_404(ImportJob.objects.select_related("source", "requested_by"), pk=pk)


def _live_context(job: ImportJob) -> dict[str, Any]:
    return {
        "job": job,
        "live_id": "import",
        "live_url": reverse("segments:import_live", args=[job.pk]),
        "live_done": job.status not in OPEN,
        "seconds": (job.finished_at - job.started_at) if job.finished_at and job.started_at else None,
        "figures": _figures(job),
    }


def _figures(job: ImportJob) -> list[tuple[str, int, str, str]]:
    """Label, number, tone, and the address of the rows behind it."""
    refused = "#list" if job.rows_refused else ""
    return [
        (_("Rows read"), job.rows_read, "", ""),
        (_("Created"), job.rows_created, "success" if job.rows_created else "", ""),
        (_("Updated"), job.rows_updated, "", ""),
        (_("Unchanged"), job.rows_unchanged, "", ""),
        (_("Refused"), job.rows_refused, "warning" if job.rows_refused else "", refused),
    ]

"""Show, refresh and remove data sources; upload a file in two steps; show, follow and cancel its import."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce, Lower
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.platform import db
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.schedules.display import ShownSchedule, SystemState, system_state
from config.platform.schedules.pane import Subject, schedule_pane
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page, selected_ids
from config.platform.web.panes import close_pane, refused, render_dialog
from segments.models import DataSource, ImportJob, ImportMode
from segments.permissions import (
    check_can_manage_data_sources,
    user_can_manage_data_sources,
    user_can_manage_databases,
)
from segments.privacy import rejected_files
from segments.sources import actions, held_imports, schedules
from segments.sources.misfits import misfit_count, translate_row_reason
from segments.views.held_imports import find_import, held_context

COLUMNS = [
    Column("name", gettext_lazy("Name"), order_by=(Lower("name"),)),
    Column("status", gettext_lazy("Status"), order_by=("last_status", Lower("name"))),
    Column("rows", gettext_lazy("Customers"), order_by=("profile_count",), kind="number"),
    Column("refused", gettext_lazy("Rejected rows"), order_by=("last_refused",), kind="number"),
    Column("key", gettext_lazy("Key column"), order_by=(Lower("key_column"),)),
    Column("refreshed", gettext_lazy("Refreshed"), order_by=("refreshed_at",)),
    Column("schedule", gettext_lazy("Schedule"), order_by=(F("schedule__due_at").asc(nulls_last=True),)),
]
PROBLEM_COLUMNS = [
    Column("line", gettext_lazy("Line"), order_by=("line",), kind="line"),
    Column("column", gettext_lazy("Column"), order_by=("column", "line")),
    Column("reason", gettext_lazy("Reason"), order_by=("reason", "line")),
]
_EARLIER_SHOWN = 10


@dataclass(frozen=True)
class Count:
    """A count of rows on the page of an import; ``url`` leads to the rows."""

    label: str
    value: int
    tone: str = ""
    url: str = ""


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
@db.one_moment()
def data_sources(request: Request) -> HttpResponse:
    """Show the list of data sources with their last import."""
    imports = ImportJob.objects.filter(source=OuterRef("pk")).order_by("-id")
    sources = DataSource.objects.select_related("database_query", "watched_place", "schedule").annotate(
        last_import=Subquery(imports.values("pk")[:1]),
        last_status=Subquery(imports.values("status")[:1]),
        last_refused=Coalesce(Subquery(imports.values("rows_refused")[:1]), 0),
    )
    page = list_page(request, sources, columns=COLUMNS, search=("name", "key_column"), default="name")
    system = system_state()
    context = {
        "list": page,
        "rows": [(source, _status_label(source), _shown_schedule(source, system)) for source in page.rows],
        "is_live": any(getattr(source, "last_status", "") in OPEN for source in page.rows),
        "can_manage": user_can_manage_data_sources(request.user),
        "can_manage_databases": user_can_manage_databases(request.user),
        "active_nav": "data_sources",
    }
    return render(request, "segments/data_sources.html", context)


@require_POST
def refresh(request: Request) -> HttpResponse:
    """Queue imports of the files of the ``selected`` sources."""
    check_can_manage_data_sources(request.user)
    sources = list(DataSource.objects.filter(pk__in=selected_ids(request)))
    try:
        for source in sources:
            actions.refresh_data_source(source, by=request.user)
    except actions.SourceHasNoFile as refusal:
        return refused(str(refusal))
    message = ngettext(
        "{n} data source is being refreshed.", "{n} data sources are being refreshed.", len(sources)
    )
    return close_pane(request, reverse("segments:data_sources"), message.format(n=len(sources)))


def schedule(request: Request) -> HttpResponse:
    """Show and save the Schedule pane of the ``selected`` data sources."""
    check_can_manage_data_sources(request.user)
    ids = selected_ids(request)
    sources = list(DataSource.objects.select_related("schedule").filter(pk__in=ids).order_by("name"))
    if not sources or len(sources) != len(ids):
        raise Http404
    subjects = [
        Subject(
            source.pk,
            source.name,
            schedules.schedule_of(source),
            partial(schedules.set_schedule, source, by=request.user),
        )
        for source in sources
    ]
    return schedule_pane(request, subjects, back=reverse("segments:data_sources"), active_nav="data_sources")


@require_http_methods(["GET", "POST"])
def remove(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation with the losses of segments, and by POST remove a data source; 409 during an import."""
    check_can_manage_data_sources(request.user)
    source = get_object_or_404(DataSource, pk=pk)
    back, status = reverse("segments:data_sources"), 200
    if request.method == "POST":
        try:
            count = actions.remove_data_source(source, by=request.user)
        except actions.ImportInProgress:
            status = 409
        else:
            message = ngettext(
                "The data source “{name}” and {n} customer are removed.",
                "The data source “{name}” and {n} customers are removed.",
                count,
            )
            return close_pane(request, back, message.format(name=source.name, n=count))
    open_import = actions.open_import(source)
    context = {
        "source": source,
        "open_import": open_import,
        "refusal": str(actions.ImportInProgress(open_import)) if open_import else "",
        "losses": [] if open_import else actions.losses(source),
        "title": _("Remove “{name}”?").format(name=source.name),
        "confirm_label": _("Remove"),
        "danger": True,
    }
    return render_dialog(request, context, "segments/remove_source.html", status, back=back)


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
@db.one_moment()
def import_page(request: Request, pk: int) -> HttpResponse:
    """Show an import with its progress and refused rows."""
    job = find_import(pk)
    problems = list_page(
        request,
        job.problems.all(),
        columns=PROBLEM_COLUMNS,
        search=("column", "reason"),
        default="line",
        page_size=100,
        selectable=False,
    )
    others = ImportJob.objects.filter(source=job.source).exclude(pk=pk).order_by("-id")[:_EARLIER_SHOWN]
    context = {
        "list": problems,
        "problems": [(each, translate_row_reason(each.reason)) for each in problems.rows],
        "others": others,
        "can_download": user_can_manage_data_sources(request.user) and rejected_files.find(job) is not None,
        "can_cancel": (job.is_open or held_imports.is_held(job)) and user_can_manage_data_sources(request.user),
        "active_nav": "data_sources",
    }
    context |= _live_context(job) | held_context(job, request)
    return render(request, "segments/import.html", context)


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
@db.one_moment()
def import_live(request: Request, pk: int) -> HttpResponse:
    """Show the progress of an import, for polling."""
    job = find_import(pk)
    context = _live_context(job) | {"has_just_ended": not job.is_open}
    return render(request, "segments/import_live.html", context)


@require_permission(Permission.DATA_SOURCE_MANAGE)
@require_safe
def download_rejected(request: Request, pk: int) -> FileResponse:
    """Download the rejected rows of an import, to fix and import them again; record the download."""
    job = find_import(pk)
    path = rejected_files.find(job)
    if path is None:
        raise Http404
    record("downloaded", job.source, by=request.user, changes={"rejected_rows": (None, job.rows_refused)})
    content_type = "text/csv; charset=utf-8" if path.suffix == ".csv" else "application/jsonl"
    name = f"rejected-rows-{pk}{path.suffix}"
    response = FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type=content_type)
    response["Cache-Control"] = "no-store"
    return response


def cancel_import(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation, and by POST cancel an import."""
    check_can_manage_data_sources(request.user)
    job = find_import(pk)
    to = reverse("segments:import", args=[pk])
    if request.method == "POST":
        actions.cancel_import(job, by=request.user)
        return close_pane(request, to, _("The import is being canceled."))
    context = {
        "title": _("Cancel import?"),
        "sentence": _("No rows are imported if you cancel. Rows already read are discarded."),
        "confirm_label": _("Cancel import"),
        "danger": True,
    }
    return render_dialog(request, context, back=to)


def _shown_schedule(source: DataSource, system: SystemState) -> ShownSchedule | None:
    """Return the schedule to show; None for a source that cannot be refreshed."""
    return ShownSchedule(getattr(source, "schedule", None), system) if source.is_refreshable else None


def _status_label(source: DataSource) -> object:
    status = getattr(source, "last_status", None)
    return JobStatus(status).label if status else ""


def _live_context(job: ImportJob) -> dict[str, Any]:
    return {
        "job": job,
        "live_id": "import",
        "live_url": reverse("segments:import_live", args=[job.pk]),
        "live_done": job.status not in OPEN,
        "seconds": (job.finished_at - job.started_at) if job.finished_at and job.started_at else None,
        "counts": _counts(job),
        "misfits": [misfit_count(column, count) for column, count in job.misfits.items()],
    }


def _counts(job: ImportJob) -> list[Count]:
    read = Count(_("Rows read"), job.rows_read)
    rejected = Count(_("Rejected"), job.rows_refused, *(("warning", "#list") if job.rows_refused else ()))
    if held_imports.is_held(job):
        return [read, rejected, Count(_("To remove"), job.to_remove, "warning")]
    counts = [
        read,
        Count(_("Created"), job.rows_created, "success" if job.rows_created else ""),
        Count(_("Updated"), job.rows_updated),
        Count(_("Unchanged"), job.rows_unchanged),
    ]
    if job.mode == ImportMode.SNAPSHOT:
        counts.append(Count(_("Removed"), job.profiles_removed))
    return [*counts, rejected]

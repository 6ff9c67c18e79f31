"""Admin > System > Status: how everything that is refreshed stands, and which parts of the system are up."""

from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from config.console import tabs
from config.console.health import all_parts
from config.console.models import SystemRefresh
from config.console.status import kinds, tasks
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.schedules import display
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import render_pane

LAST_RUNS = 20

COLUMNS = (
    Column("name", _("Name"), order_by=(Lower("name"),)),
    Column("status", _("Status"), order_by=("urgency", Lower("name"))),
    Column("updated", _("Last updated"), order_by=("last_updated",)),
)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def status(request: Request) -> HttpResponse:
    """Show the page. Processing jobs refresh their rows."""
    context = tabs.frame(request.user, "status") | _live_context(request) | _health()
    return render(request, "system/status.html", context)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def live(request: Request) -> HttpResponse:
    """Render the part of the page that changes."""
    return render(request, "system/status_live.html", _live_context(request))


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def health(request: Request) -> HttpResponse:
    """Show the parts of the system, as they answer now."""
    context = {"live_id": "parts", "live_url": request.path, "live_every": "10s"}
    return render(request, "system/_parts.html", _health() | context)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def group(request: Request, key: str) -> HttpResponse:
    """List everything of one kind; ``?status=`` filters it."""
    kind = kinds.find(key)
    found = tasks.standing(kind)
    wanted = request.GET.get("status", "")
    if wanted:
        found = found.filter(last_status=wanted)
    page = list_page(request, found, columns=COLUMNS, search=("name",), default="status", selectable=False)
    context = tabs.frame(request.user, "status") | {
        "list": page,
        "kind": kind,
        "tasks": tasks.tasks(kind, page.rows),
        "wanted": tasks.label_of(wanted) if wanted in tasks.STATUSES else "",
    }
    return render(request, "system/tasks.html", context)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def last_runs(request: Request, key: str, pk: int) -> HttpResponse:
    """Show the last jobs of one thing, in the pane."""
    kind = kinds.find(key)
    name = str(get_object_or_404(kind.target, pk=pk)) if kind.owner else str(kind.one)
    jobs = kind.jobs_of(pk).select_related("requested_by")[:LAST_RUNS]
    context = {
        "active_nav": "system",
        "kind": kind,
        "name": name,
        "page_url": kind.page(pk),
        "runs": [_run(kind, job) for job in jobs],
        "most": LAST_RUNS,
        "pane_wide": True,
    }
    return render_pane(request, "system/last_runs.html", context, back=reverse("system:status"))


def _health() -> dict[str, object]:
    return {"parts": all_parts(), "health_url": reverse("system:health")}


def _run(kind: kinds.Kind, job: kinds.AnyJob) -> dict[str, object]:
    return {
        "job": job,
        "figures": kind.figures(job),
        "why": kind.why(job),
        "seconds": job.finished_at - job.started_at if job.finished_at and job.started_at else None,
        "url": reverse("system:progress", args=[kind.key, job.pk]),
    }


def _live_context(request: Request) -> dict[str, object]:
    groups = tasks.groups()
    refresh = SystemRefresh.objects.select_related("requested_by").first()
    is_live = any(group.is_live for group in groups) or bool(refresh and refresh.is_open)
    return {
        "groups": groups,
        "refresh": refresh,
        "refresh_figures": kinds.SYSTEM.figures(refresh) if refresh else "",
        "schedule": display.system_state(),
        "may_manage": request.user.may(Permission.SYSTEM_MANAGE),
        "live_id": "status-live",
        "live_url": reverse("system:status_live"),
        # Idle, it looks now and then, so that jobs that a schedule begins appear.
        "live_every": "2s" if is_live else "20s",
    }

"""Progress details: the steps of one job in the pane, and the entire workflow around it."""

import json
from typing import cast

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from config.console.status import kinds
from config.console.status import progress as details
from config.console.status.kinds import Kind
from config.console.system_refresh.actions import AlreadyEnded
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, refused, render_dialog, render_pane
from exports.policies import Refusal


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def progress(request: Request, key: str, pk: int) -> HttpResponse:
    """Show the pane; ``?workflow=on`` shows the entire system refresh."""
    kind = kinds.find(key)
    context = _context(request, kind, _job(kind, pk))
    return render_pane(request, "system/progress.html", context, back=reverse("system:status"))


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def live(request: Request, key: str, pk: int) -> HttpResponse:
    """Render the part of the pane that changes."""
    kind = kinds.find(key)
    return render(request, "system/progress_live.html", _context(request, kind, _job(kind, pk)))


@require_http_methods(["GET", "POST"])
def cancel(request: Request, key: str, pk: int) -> HttpResponse:
    """Ask, then let the job stop. The pane stays and shows it stopping."""
    kind = kinds.find(key)
    job = _job(kind, pk)
    kind.check_can_cancel(job, request.user)
    back = reverse("system:progress", args=[key, pk])
    if request.method != "POST":
        return render_dialog(request, _question(kind, _name(kind, job)), back=back)
    try:
        kind.cancel(job, request.user)
    except (Refusal, AlreadyEnded) as refusal:
        return refused(str(refusal))
    message = _("“%(name)s” is being canceled.") % {"name": _name(kind, job)}
    if request.headers.get("HX-Request") != "true":
        return close_pane(request, back, message)
    response = HttpResponse()
    response["HX-Trigger"] = json.dumps({"toast": {"text": message, "tone": "success"}})
    return response


def _question(kind: Kind, name: str) -> dict[str, object]:
    return {
        "active_nav": "system",
        "title": _("Cancel “%(name)s”?") % {"name": name},
        "sentence": kind.what_canceling_does,
        "confirm_label": _("Cancel job"),
        "danger": True,
    }


def _context(request: Request, kind: Kind, job: kinds.AnyJob) -> dict[str, object]:
    refresh = details.workflow_of(kind, job)
    wants_workflow = request.GET.get("workflow") == "on" and kind is not kinds.SYSTEM
    name = _name(kind, job)
    own = details.of_job(kind, job, name)
    whole = details.workflow(refresh, job) if refresh and wants_workflow else None
    here = reverse("system:progress", args=[kind.key, job.pk])
    return {
        "active_nav": "system",
        "kind": kind,
        "job": job,
        "name": name,
        "own": own,
        "cause": details.cause_of(kind, job) if refresh else None,
        "node": whole or own,
        "refresh": refresh,
        "can_show_workflow": refresh is not None and kind is not kinds.SYSTEM,
        "shows_workflow": whole is not None,
        "switch_url": here if whole else f"{here}?workflow=on",
        "job_page": kind.job_page(job.pk),
        "may_cancel": kind.may_cancel(job, request.user),
        "is_canceling": job.is_open and job.cancel_requested_at is not None,
        "live_id": "progress-live",
        "live_url": f"{reverse('system:progress_live', args=[kind.key, job.pk])}{'?workflow=on' if whole else ''}",
        "live_done": not job.is_open and not (whole and refresh and refresh.is_open),
        "pane_wide": True,
    }


def _job(kind: Kind, pk: int) -> kinds.AnyJob:
    related = ["requested_by", *([kind.owner] if kind.owner else [])]
    if kind.key == "export":
        related.append("export__connection")
    return cast(kinds.AnyJob, get_object_or_404(kind.job._default_manager.select_related(*related), pk=pk))


def _name(kind: Kind, job: kinds.AnyJob) -> str:
    return str(getattr(job, kind.owner)) if kind.owner else str(job)

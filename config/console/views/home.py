"""Home: what happened, what needs attention, what is next, and the guide to the first run."""

import hashlib
import re
from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from config.console.home import attention, guide, list_sizes, results, upcoming
from config.platform.accounts.permissions import Permission
from config.platform.db import one_moment
from config.platform.jobs.models import OPEN
from config.platform.schedules import display
from config.platform.web.htmx import Request
from connections.models import Connection
from exports.models import Run
from exports.results import summary
from segments.models import ImportJob, SegmentRefresh

LATEST_RUNS = 6
# The token of a form is another one each time that it is rendered.
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')


def home(request: Request) -> HttpResponse:
    """Show the page."""
    return render(request, "system/home.html", {"active_nav": "home"} | _live_parts(request))


@require_safe
def home_live(request: Request) -> HttpResponse:
    """Render the part of the page that changes; nothing when it is as the page shows it (``?shown=``)."""
    context = _live_parts(request)
    if context["digest"] == request.GET.get("shown"):
        return HttpResponse(status=204)
    return render(request, "system/home_live.html", context)


@require_POST
def hide_guide(request: Request) -> HttpResponse:
    """Hide the guide to the first run from this user."""
    guide.hide_guide(request.user)
    return redirect("system:home")


def _live_parts(request: Request) -> dict[str, object]:
    down = list(attention.parts_that_are_down())
    with one_moment():
        parts = render_to_string("system/home_parts.html", _context(request, down), request)
        is_live = _has_open_jobs()
    digest = hashlib.sha256(_FORM_TOKEN.sub("", parts).encode()).hexdigest()[:16]
    return {
        "parts": mark_safe(parts),  # noqa: S308 - rendered by a template
        "digest": digest,
        "live_id": "home",
        "live_url": f"{reverse('system:home_live')}?shown={digest}",
        "live_every": "2s" if is_live else "30s",
    }


def _has_open_jobs() -> bool:
    """Tell whether a run, an import or a refresh is in progress. One query."""
    runs, *others = (
        job.objects.filter(status__in=OPEN).order_by().values("pk") for job in (Run, ImportJob, SegmentRefresh)
    )
    return bool(runs.union(*others, all=True)[:1])


def _context(request: Request, down: Sequence[attention.Item]) -> dict[str, object]:
    connections = list(Connection.objects.select_related("export_user").prefetch_related("consents"))
    system = display.system_state()
    latest = Run.objects.select_related("export", "requested_by").order_by("-id")[:LATEST_RUNS]
    return {
        "guide": guide.guide_for(request.user, connections),
        "results": results.recent_results(),
        "list_sizes": list_sizes.recent_list_sizes(),
        "runs": [(run, summary.of_run(run)) for run in latest],
        "attention": attention.items_for(request.user, connections, down),
        "refresh": system,
        "upcoming": upcoming.next_events(system),
        "can_set_schedule": request.user.may(Permission.SYSTEM_MANAGE),
    }

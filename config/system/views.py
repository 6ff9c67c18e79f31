"""Home, the state of the system, and the manual."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from config.accounts.decorators import require_permission
from config.accounts.permissions import Permission
from config.system import help_pages, overview, parts, threats
from config.web.htmx import Request


def home(request: Request) -> HttpResponse:
    """What needs attention, and what to do next."""
    steps = overview.next_steps(request.user)
    context = {
        "active_nav": "home",
        "figures": overview.figures(),
        "attention": overview.attention(request.user),
        "runs": overview.latest_runs(),
        "steps": steps,
        "set_up": all(step.tone == "done" for step in steps),
    }
    return render(request, "system/home.html", context)


@require_permission(Permission.SYSTEM_VIEW)
def status(request: HttpRequest) -> HttpResponse:
    """Which parts of the system are up. Shown as it is now, again every few seconds."""
    context = {
        "active_nav": "system",
        "parts": parts.all_parts(),
        "version": settings.VERSION,
        "live_id": "parts",
        "live_url": request.path,
        "live_every": "5s",
    }
    is_fragment = request.headers.get("HX-Target") == "parts"
    return render(request, "system/_parts.html" if is_fragment else "system/status.html", context)


def help_page(request: HttpRequest, page: str) -> HttpResponse:
    """One page of the manual."""
    if page not in help_pages.PAGES:
        raise Http404
    context = {
        "pages": help_pages.PAGES,
        "page": page,
        "page_title": help_pages.PAGES[page],
        "statuses": help_pages.statuses(),
        "outcomes": help_pages.OUTCOMES,
        "threats": threats.GROUPS,
    }
    return render(request, f"help/{page}.html", context)

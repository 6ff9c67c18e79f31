"""Home, the state of the system, and the manual."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from config.accounts.decorators import require_permission
from config.accounts.permissions import Permission
from config.system import help_pages


def home(request: HttpRequest) -> HttpResponse:
    """What needs attention, and what to do next."""
    return render(request, "system/home.html", {"active_nav": "home"})


@require_permission(Permission.SYSTEM_VIEW)
def status(request: HttpRequest) -> HttpResponse:
    """Which parts of the system are up."""
    return render(request, "system/status.html", {"active_nav": "system"})


def help_page(request: HttpRequest, page: str) -> HttpResponse:
    """One page of the manual."""
    if page not in help_pages.PAGES:
        raise Http404
    context = {"pages": help_pages.PAGES, "page": page, "page_title": help_pages.PAGES[page]}
    return render(request, f"help/{page}.html", context)

"""The manual."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from config.console import help_pages, security_controls
from config.platform.notifications.models import KIND_MEANINGS


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
        "kinds": [(kind.label, meaning) for kind, meaning in KIND_MEANINGS.items()],
        "threats": security_controls.GROUPS,
    }
    return render(request, f"help/{page}.html", context)

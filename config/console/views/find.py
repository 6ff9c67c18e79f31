"""Find anything: a dialog over every page, opened by Ctrl+K, and a page of its own."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.console.views import matches
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request


@require_permission(Permission.EXPORT_VIEW)
@require_safe
def find(request: Request) -> HttpResponse:
    """Show what has the words of ``q``: the results alone while a user types."""
    words = request.GET.get("q", "").replace("\x00", "").strip()[: matches.LONGEST_SEARCH]
    groups = matches.find(words, request.user)
    asked_for = request.headers.get("HX-Target", "") if request.headers.get("HX-Request") == "true" else ""
    template = "system/find_results.html" if asked_for == "find-results" else "system/find.html"
    return render(request, template, {"words": words, "groups": groups})

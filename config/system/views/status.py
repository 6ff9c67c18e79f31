"""Admin > System > Status: which parts of the system are up."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from config.accounts.decorators import require_permission
from config.accounts.permissions import Permission
from config.system import parts, tabs
from config.web.htmx import Request


@require_permission(Permission.SYSTEM_VIEW)
def status(request: Request) -> HttpResponse:
    """Which parts of the system are up. Shown as it is now, again every few seconds."""
    context = tabs.frame(request.user, "status") | {
        "parts": parts.all_parts(),
        "version": settings.VERSION,
        "live_id": "parts",
        "live_url": request.path,
        "live_every": "5s",
    }
    is_fragment = request.headers.get("HX-Target") == "parts"
    return render(request, "system/_parts.html" if is_fragment else "system/status.html", context)

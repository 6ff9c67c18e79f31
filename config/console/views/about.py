"""Admin > System > About: versions, queues and storage."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.console import about as facts
from config.console import tabs
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def about(request: Request) -> HttpResponse:
    """What this installation is made of, and how much it holds."""
    context = tabs.frame(request.user, "about") | {
        "versions": facts.versions(),
        "queues": facts.queues(),
        "signs": facts.signs(),
        "storage": facts.storage(),
    }
    return render(request, "system/about.html", context)

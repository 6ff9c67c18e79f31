"""Admin > System > About: versions, queues and storage."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.accounts.decorators import require_permission
from config.accounts.permissions import Permission
from config.system import about as facts
from config.system import tabs
from config.web.htmx import Request


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

"""Admin > System > API usage: how many calls each connection made."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.console import tabs
from config.console.api_usage import days, usage
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request


@require_permission(Permission.CONNECTION_MANAGE)
@require_safe
def api_usage(request: Request) -> HttpResponse:
    """For those who see connections."""
    over = days()
    context = tabs.frame(request.user, "api_usage") | {"days": over, "usage": usage(over)}
    return render(request, "system/api_usage.html", context)

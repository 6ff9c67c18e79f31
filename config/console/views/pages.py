"""Home, and the tabs About and API usage of Admin > System."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.console import about as facts
from config.console import charts, tabs
from config.console.api_usage import days, usage
from config.console.home import attention, key_counts, latest_runs, next_steps, stage_times
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.schedules import display
from config.platform.web.htmx import Request


def home(request: Request) -> HttpResponse:
    """Show what needs attention, what was sent, and what to do next."""
    steps = next_steps(request.user)
    context = {
        "active_nav": "home",
        "figures": key_counts(),
        "attention": attention(request.user),
        "sent": charts.sent_per_day(),
        "refresh": display.system_state(),
        "durations": stage_times(),
        "runs": latest_runs(),
        "steps": steps,
        "set_up": all(step.tone == "done" for step in steps),
    }
    return render(request, "system/home.html", context)


@require_permission(Permission.SYSTEM_VIEW)
@require_safe
def about(request: Request) -> HttpResponse:
    """Show the versions, queues and storage of this installation."""
    context = tabs.frame(request.user, "about") | {
        "versions": facts.versions(),
        "queues": facts.queues(),
        "signs": facts.signs(),
        "storage": facts.storage(),
    }
    return render(request, "system/about.html", context)


@require_permission(Permission.CONNECTION_MANAGE)
@require_safe
def api_usage(request: Request) -> HttpResponse:
    """Show how many calls each connection made per day."""
    over = days()
    context = tabs.frame(request.user, "api_usage") | {"days": over, "usage": usage(over)}
    return render(request, "system/api_usage.html", context)

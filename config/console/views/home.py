"""Home: what needs attention, and what to do next."""

from django.http import HttpResponse
from django.shortcuts import render

from config.console import durations, sent_by_day
from config.console import home as system_home
from config.platform.schedules import display
from config.platform.web.htmx import Request


def home(request: Request) -> HttpResponse:
    """What needs attention, and what to do next."""
    steps = system_home.next_steps(request.user)
    context = {
        "active_nav": "home",
        "figures": system_home.figures(),
        "attention": system_home.attention(request.user),
        "sent": sent_by_day.of_late(),
        "refresh": display.system_state(),
        "durations": durations.by_stage(),
        "runs": system_home.latest_runs(),
        "steps": steps,
        "set_up": all(step.tone == "done" for step in steps),
    }
    return render(request, "system/home.html", context)

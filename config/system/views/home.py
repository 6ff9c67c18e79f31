"""Home: what needs attention, and what to do next."""

from django.http import HttpResponse
from django.shortcuts import render

from config.jobs import system_schedule
from config.system import durations, overview, sent
from config.web.htmx import Request


def home(request: Request) -> HttpResponse:
    """What needs attention, and what to do next."""
    steps = overview.next_steps(request.user)
    context = {
        "active_nav": "home",
        "figures": overview.figures(),
        "attention": overview.attention(request.user),
        "sent": sent.of_late(),
        "refresh": system_schedule.state(),
        "durations": durations.by_stage(),
        "runs": overview.latest_runs(),
        "steps": steps,
        "set_up": all(step.tone == "done" for step in steps),
    }
    return render(request, "system/home.html", context)

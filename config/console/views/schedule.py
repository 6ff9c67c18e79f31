"""Admin > System > Schedule: when the system refreshes itself."""

from itertools import islice

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.console import tabs
from config.console.forms import SystemScheduleForm
from config.console.models import SystemSchedule, SystemTick
from config.console.refreshing import actions
from config.console.refreshing import schedule as schedules
from config.platform.accounts.decorators import check_permission, require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs import clock
from config.platform.schedules.describe import in_words
from config.platform.schedules.next_due import due_moments
from config.platform.web.htmx import Request
from config.platform.web.versions import StaleEdit, version_from

UPCOMING = 5
TICKS_SHOWN = 10


@require_permission(Permission.SYSTEM_VIEW)
@require_http_methods(["GET", "POST"])
def schedule(request: Request) -> HttpResponse:
    """Show the schedule; users who may not change it read it."""
    row = schedules.load()
    if request.method != "POST":
        return _page(request, row, SystemScheduleForm(schedule=row))
    check_permission(request.user, Permission.SYSTEM_MANAGE)
    form = SystemScheduleForm(request.POST, schedule=row)
    if "add_time" in request.POST:
        return _page(request, row, form.unjudged())
    if not form.is_valid():
        return _page(request, row, form, status=422)
    return _save(request, row, form)


def _save(request: Request, row: SystemSchedule, form: SystemScheduleForm) -> HttpResponse:
    wanted = form.cleaned_data
    try:
        saved = actions.save_schedule(
            is_on=wanted["is_on"], rule=wanted["rule"], version=version_from(request.POST), by=request.user
        )
    except StaleEdit as stale:
        return _page(request, row, form, status=409, stale=stale)
    now = _("The system refresh is on.") if saved.is_on else _("The system refresh is off.")
    messages.success(request, _("The schedule is saved. %(now)s") % {"now": now})
    return redirect(request.path)


def _page(
    request: Request,
    row: SystemSchedule,
    form: SystemScheduleForm,
    *,
    status: int = 200,
    stale: StaleEdit | None = None,
) -> HttpResponse:
    rule = schedules.rule_of(row)
    context = tabs.frame(request.user, "schedule") | {
        "schedule": row,
        "words": in_words(rule),
        "zone": rule.zone,
        "upcoming": list(islice(due_moments(rule, clock.now()), UPCOMING)) if row.is_on else [],
        "ticks": SystemTick.objects.select_related("refresh")[:TICKS_SHOWN],
        "may_manage": request.user.may(Permission.SYSTEM_MANAGE),
        "form": form,
        "stale": stale,
    }
    return render(request, "system/schedule.html", context, status=status)

"""Admin > System > Schedule: when the system refresh runs, and “Refresh all”."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from config.console.models import SystemSchedule, SystemTick
from config.console.system_refresh import actions, stages
from config.console.views import tabs_context
from config.platform.accounts.decorators import check_permission, require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs import clock
from config.platform.jobs.models import Schedule
from config.platform.schedules.describe import describe_rule
from config.platform.schedules.form import RuleForm, time_answers, times_typed
from config.platform.schedules.next_due import MOST_TIMES, Recurrence, due_moments
from config.platform.schedules.serialize import from_plain
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, refused, render_dialog
from config.platform.web.versions import StaleEdit, version_from

UPCOMING = 5
TICKS_SHOWN = 10


class SystemScheduleForm(RuleForm):
    """The schedule of the system refresh: daily or weekly. Only as many times are there as the page shows."""

    use_required_attribute = False

    is_on = forms.BooleanField(label=gettext_lazy("Refresh on a schedule"), required=False)
    recurrence = forms.ChoiceField(
        label=gettext_lazy("Repeat"),
        choices=[(kind.value, kind.label) for kind in (Recurrence.DAILY, Recurrence.WEEKLY)],
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, schedule: Schedule) -> None:
        rule = schedule.rule or {}
        super().__init__(data, initial={**rule, **time_answers(rule), "is_on": schedule.is_on})
        self.fields["weekdays"].required = False  # shown either way, and required only when weekly
        if data is None:
            count = max(1, len(rule.get("times", ())))
        else:  # as many as were posted, and one more when that was clicked
            count = min(MOST_TIMES, max(1, times_typed(data)) + ("add_time" in data))
        self.show_times(count, first=gettext_lazy("Time"), further=gettext_lazy("Additional time"))

    @property
    def times(self) -> list[forms.BoundField]:
        return [self[name] for name in self.time_names]

    @property
    def can_have_more_times(self) -> bool:
        return len(self.time_names) < MOST_TIMES

    def clean(self) -> dict[str, Any]:
        """Add the rule, as ``rule``; an error of the rule is added to its field."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            if cleaned["recurrence"] != Recurrence.WEEKLY:
                cleaned["weekdays"] = []
            cleaned["rule"] = self.rule_from(cleaned)
        return cleaned


@require_permission(Permission.SYSTEM_VIEW)
@require_http_methods(["GET", "POST"])
def schedule(request: Request) -> HttpResponse:
    """Show the schedule; users who may not change it read it."""
    row = actions.load_schedule()
    if request.method != "POST":
        return _page(request, row, SystemScheduleForm(schedule=row))
    check_permission(request.user, Permission.SYSTEM_MANAGE)
    form = SystemScheduleForm(request.POST, schedule=row)
    if "add_time" in request.POST:
        return _page(request, row, form.without_errors())
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
    rule = from_plain(row.rule or {})
    context = tabs_context(request.user, "schedule") | {
        "schedule": row,
        "words": describe_rule(rule),
        "zone": rule.zone,
        "upcoming": list(islice(due_moments(rule, clock.now()), UPCOMING)) if row.is_on else [],
        "ticks": SystemTick.objects.select_related("refresh")[:TICKS_SHOWN],
        "may_manage": request.user.may(Permission.SYSTEM_MANAGE),
        "form": form,
        "stale": stale,
    }
    return render(request, "system/schedule.html", context, status=status)


@require_permission(Permission.SYSTEM_MANAGE)
@require_http_methods(["GET", "POST"])
def refresh_all(request: Request) -> HttpResponse:
    """Ask, with the number of things that would be refreshed, then start a system refresh."""
    back = reverse("system:status")
    if request.method != "POST":
        context = {
            "active_nav": "system",
            "title": _("Refresh everything now?"),
            "counts": stages.target_counts(),
            "confirm_label": _("Refresh all"),
        }
        return render_dialog(request, context, "system/refresh_all.html", back=back)
    try:
        actions.refresh_all(by=request.user)
    except actions.AlreadyUnderWay as refusal:
        return refused(str(refusal))
    return close_pane(request, back, _("The system refresh has started."))

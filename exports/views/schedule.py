"""The Schedule pane of the exports that are selected, one or several."""

from functools import partial

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from config.platform.schedules.pane import Subject, came_from_its_page, schedule_pane
from config.platform.web.htmx import Request
from exports.actions import schedule as actions_schedule
from exports.models import Export
from exports.views.bulk import selected_exports


@require_http_methods(["GET", "POST"])
def schedule(request: Request) -> HttpResponse:
    """Choose the schedule of the ``selected`` exports. Users who may edit an export may do so."""
    subjects = [_subject(export, request) for export in selected_exports(request)]
    back = reverse("exports:list")
    if came_from_its_page(request, subjects):
        back = reverse("exports:runs", args=[subjects[0].key])
    return schedule_pane(request, subjects, back=back, active_nav="exports")


def _subject(export: Export, request: Request) -> Subject:
    save = partial(actions_schedule.set_schedule, export, by=request.user)
    return Subject(export.pk, export.name, actions_schedule.schedule_of(export), save)

"""The Schedule pane of the segments that are selected, one or several."""

from functools import partial

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from config.platform.schedules.pane import Subject, came_from_its_page, schedule_pane
from config.platform.web.htmx import Request
from segments.models import Segment
from segments.permissions import check_can_manage_segments
from segments.refresh import schedule as refresh_schedule

MOST = 500


@require_http_methods(["GET", "POST"])
def schedule(request: Request) -> HttpResponse:
    """Choose when the ``selected`` segments are refreshed by themselves. Whoever may edit segments may do so."""
    check_can_manage_segments(request.user)
    subjects = [_subject(segment, request) for segment in _selected(request)]
    back = reverse("segments:list")
    if came_from_its_page(request, subjects):
        back = reverse("segments:detail", args=[subjects[0].key])
    return schedule_pane(request, subjects, back=back, active_nav="segments")


def _subject(segment: Segment, request: Request) -> Subject:
    save = partial(refresh_schedule.set_schedule, segment, by=request.user)
    return Subject(segment.pk, segment.name, refresh_schedule.schedule_of(segment), save)


def _selected(request: Request) -> list[Segment]:
    """Those that the address or the form names; each has to be there."""
    given = request.POST if request.method == "POST" else request.GET
    texts = given.getlist("selected")[:MOST]
    ids = {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19}
    segments = list(Segment.objects.select_related("schedule").filter(pk__in=ids).order_by("name"))
    if not segments or len(segments) != len(ids):
        raise Http404
    return segments

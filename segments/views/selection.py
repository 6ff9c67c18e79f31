"""Read which segments a command of the list is for."""

from django.http import Http404

from config.platform.web.htmx import Request
from config.platform.web.lists import selected_ids
from segments.models import Segment


def selected_segments(request: Request) -> list[Segment]:
    """Return the selected segments by name. Raises Http404 when none is selected or one is missing."""
    ids = selected_ids(request)
    segments = list(Segment.objects.select_related("schedule").filter(pk__in=ids).order_by("name"))
    if not segments or len(segments) != len(ids):
        raise Http404
    return segments

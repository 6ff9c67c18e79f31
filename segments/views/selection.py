"""Read which segments a command of the list is for, and show what it did."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.web.htmx import Request
from config.platform.web.lists import selected_ids
from config.platform.web.panes import close_pane
from segments.bulk_actions import BulkResult, RefusedSegment
from segments.models import Segment

# So many refused segments are named in a toast; the others are counted.
_MOST_NAMED = 5


def selected_segments(request: Request) -> list[Segment]:
    """Return the selected segments by name. Raises Http404 when none is selected or one is missing."""
    ids = selected_ids(request)
    segments = list(Segment.objects.select_related("schedule").filter(pk__in=ids).order_by("name"))
    if not segments or len(segments) != len(ids):
        raise Http404
    return segments


def close_bulk(request: Request, result: BulkResult, message: str, *, to: str = "") -> HttpResponse:
    """Go to ``to``, or else to the list, with a toast: ``message`` with the number ``n`` of changed segments, and
    the segments that were refused, with the reasons."""
    count = len(result.changed)
    sentences = [message.format(n=count) if count else _("Nothing was changed."), *_refusals(result.refused)]
    level = messages.WARNING if result.refused else messages.SUCCESS
    return close_pane(request, to or reverse("segments:list"), " ".join(sentences), level=level)


def _refusals(refused: Sequence[RefusedSegment]) -> list[str]:
    named = [f"“{each.segment.name}”: {each.reason}" for each in refused[:_MOST_NAMED]]
    more = len(refused) - len(named)
    if more:
        named.append(ngettext("{n} more was not changed.", "{n} more were not changed.", more).format(n=more))
    return named

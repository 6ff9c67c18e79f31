"""Putting a segment into the things that use it, and taking it out: the dialog “Manage exports”. What can hold a
segment is known to the apps above this one, which register themselves in usage.py."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from segments import usage
from segments.models import Segment
from segments.permissions import check_can_manage_segments


@require_http_methods(["GET", "POST"])
def manage(request: Request, pk: int) -> HttpResponse:
    """What holds the segment and what could; by POST, what shall. Only what differs from the page as it was shown
    is changed, so that nobody undoes what somebody else did meanwhile."""
    check_can_manage_segments(request.user)
    segment = get_object_or_404(Segment, pk=pk)
    if request.method != "POST":
        return _asked(request, segment)
    shown, chosen = set(request.POST.getlist("held")), set(request.POST.getlist("holds"))
    try:
        usage.put(pk, into=chosen - shown, out_of=shown - chosen, by=request.user)
    except usage.CannotBePut as refusal:
        return _asked(request, segment, refusal=str(refusal), chosen=chosen, status=409)
    message = _("“{name}” is where you chose.").format(name=segment.name)
    return close_pane(request, reverse("segments:detail", args=[pk]), message)


def _asked(
    request: Request, segment: Segment, *, refusal: str = "", chosen: set[str] | None = None, status: int = 200
) -> HttpResponse:
    places = usage.places_for(segment.pk, request.user)
    context = {
        "segment": segment,
        "places": [(place, place.holds if chosen is None else place.key in chosen) for place in places],
        "new_places": usage.new_places_for(segment.pk, request.user),
        "refusal": refusal,
        "title": _("Exports of “{name}”").format(name=segment.name),
        "sentence": _("Each that is ticked sends the members of this segment with its next run."),
        "confirm_label": _("Save"),
        "active_nav": "segments",
    }
    back = reverse("segments:detail", args=[segment.pk])
    return render_dialog(request, context, "segments/manage.html", status, back=back)

"""Removing a data source: the question says who goes and which segments shrink."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from segments.models import DataSource
from segments.permissions import check_can_manage_data_sources
from segments.sources import deletion


@require_http_methods(["GET", "POST"])
def remove(request: Request, pk: int) -> HttpResponse:
    """The question, and by POST the action."""
    check_can_manage_data_sources(request.user)
    source = get_object_or_404(DataSource, pk=pk)
    if request.method != "POST":
        return _asked(request, source)
    try:
        gone = deletion.remove_data_source(source, by=request.user)
    except deletion.ImportAtWork:
        return _asked(request, source, status=409)
    message = ngettext(
        "The data source “{name}” is removed, and with it {n} customer.",
        "The data source “{name}” is removed, and with it {n} customers.",
        gone,
    )
    return close_pane(request, reverse("segments:data_sources"), message.format(name=source.name, n=gone))


def _asked(request: Request, source: DataSource, status: int = 200) -> HttpResponse:
    at_work = deletion.import_at_work(source)
    context = {
        "source": source,
        "at_work": at_work,
        "refusal": str(deletion.ImportAtWork(at_work)) if at_work else "",
        "losses": [] if at_work else deletion.losses(source),
        "title": _("Remove “{name}”?").format(name=source.name),
        "confirm_label": _("Remove"),
        "danger": True,
    }
    back = reverse("segments:data_sources")
    return render_dialog(request, context, "segments/remove_source.html", status, back=back)

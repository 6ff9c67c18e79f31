"""Ask again what becomes of contacts on a list that an export has left."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from exports import policies
from exports.actions import list_cleanup as actions_list_cleanup
from exports.forms.cleanup_form import CleanupForm
from exports.models import Export
from exports.permissions import check_can_manage
from exports.removal import list_cleanup
from exports.views.pane_removal import is_counted_later

_TEMPLATE = "exports/clear_earlier.html"


@require_http_methods(["GET", "POST"])
def clear(request: Request, export_id: int, set_id: int) -> HttpResponse:
    """Ask, then have them taken off, or leave them."""
    export = get_object_or_404(Export.objects.select_related("connection"), pk=export_id)
    check_can_manage(request.user, export)
    back = reverse("exports:runs", args=[export.pk])
    context: dict[str, object] = {
        "active_nav": "exports",
        "title": _("Contacts on a former list"),
        "confirm_label": _("Confirm"),
        "danger": True,
    }
    left = list_cleanup.find_former_list(export, set_id, by=request.user)
    if left is None:
        return _refuse(request, context, actions_list_cleanup.nothing_to_clean_up(), back)
    asked = CleanupForm(request.user, export, left, request.POST, waits=is_counted_later(request))
    if "counted" in request.GET:
        return render(request, "exports/cleanup.html", {"cleanup": asked})
    context["cleanup"] = asked
    if request.method != "POST":
        return render_dialog(request, context, _TEMPLATE, back=back)
    if not asked.is_valid():
        return render_dialog(request, context, _TEMPLATE, 422, back=back)
    try:
        run = actions_list_cleanup.clean_up_former_list(export, set_id, asked.cleanup(), by=request.user)
    except policies.Refusal as refusal:
        return _refuse(request, context, refusal.sentence, back)
    return close_pane(request, reverse("exports:run", args=[run.pk]) if run else back)


def _refuse(request: Request, context: dict[str, object], sentence: str, back: str) -> HttpResponse:
    return render_dialog(request, context | {"refusal": sentence}, _TEMPLATE, 409, back=back)

"""What is done to the exports that are selected in the list, one or several: all of it or nothing."""

from collections.abc import Callable

from django.db import transaction
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from exports import policies
from exports.actions import manage
from exports.models import Export
from exports.permissions import check_can_manage

MOST = 500


@require_http_methods(["GET", "POST"])
def detach(request: Request) -> HttpResponse:
    """Ask, then take the ``selected`` exports off their connections."""
    exports = selected_exports(request)
    count = len(exports)
    context: dict[str, object] = {
        "title": ngettext("Detach “%(name)s” from its connection?", "Detach %(n)d exports?", count)
        % {"name": exports[0], "n": count},
        "sentence": _(
            "Detached exports keep their settings and their delivery state. They show “No "
            "connection” and do not run until you choose another connection."
        ),
        "confirm_label": _("Detach connection"),
    }
    told = ngettext("“%(name)s” has no connection now.", "%(n)d exports have no connection now.", count)
    return _ask_or_do(request, exports, context, manage.detach, told % {"name": exports[0], "n": count})


@require_http_methods(["GET", "POST"])
def remove(request: Request) -> HttpResponse:
    """Ask, then remove the ``selected`` exports."""
    exports = selected_exports(request)
    count = len(exports)
    context: dict[str, object] = {
        "title": ngettext("Remove “%(name)s”?", "Remove %(n)d exports?", count) % {"name": exports[0], "n": count},
        "sentence": _(
            "Their settings and runs are removed. Contacts already sent stay on their lists. To "
            "remove contacts from lists, remove exports one at a time."
        ),
        "confirm_label": _("Remove"),
        "danger": True,
    }
    told = ngettext("“%(name)s” is removed.", "%(n)d exports are removed.", count)
    return _ask_or_do(request, exports, context, manage.remove, told % {"name": exports[0], "n": count})


def _ask_or_do(
    request: Request, exports: list[Export], context: dict[str, object], action: Callable[..., None], told: str
) -> HttpResponse:
    back = reverse("exports:list")
    context |= {
        "active_nav": "exports",
        "selected": [export.pk for export in exports],
        "action_url": request.path,
        "names": [str(export) for export in exports] if len(exports) > 1 else [],
    }
    if request.method != "POST":
        return render_dialog(request, context, "exports/together.html", back=back)
    try:
        with transaction.atomic():
            for export in exports:
                action(export, by=request.user)
    except policies.Refusal as refusal:
        return render_dialog(
            request, context | {"refusal": refusal.sentence}, "exports/together.html", status=409, back=back
        )
    return close_pane(request, back, told)


def selected_exports(request: Request) -> list[Export]:
    """Those that the address or the form names; each has to be there and has to be the person's to manage."""
    given = request.POST if request.method == "POST" else request.GET
    ids = {int(text) for text in given.getlist("selected")[:MOST] if _is_id(text)}
    exports = list(Export.objects.select_related("connection", "schedule").filter(pk__in=ids).order_by("name"))
    if not exports or len(exports) != len(ids):
        raise Http404
    for export in exports:
        check_can_manage(request.user, export)
    return exports


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19

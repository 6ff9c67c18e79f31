"""Removing a connection: asked first, with everything that uses it and what shall become of each."""

from collections.abc import Mapping, Sequence

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from connections import deletion, usage
from connections.models import Connection
from connections.permissions import check_can_manage_connections
from connections.usage import Use, Verb

_PREFIX = "use-"


@require_http_methods(["GET", "POST"])
def remove(request: Request, pk: int) -> HttpResponse:
    """The question, and by POST the action."""
    check_can_manage_connections(request.user)
    connection = get_object_or_404(Connection, pk=pk)
    if request.method != "POST":
        return _asked(request, connection, usage.uses_of(pk))
    verbs = _verbs(request)
    try:
        gone = deletion.remove(by=request.user, connection=connection, verbs=verbs)
    except deletion.Undecided as undecided:
        return _asked(request, connection, undecided.uses, verbs, status=422)
    told = _("The connection “{name}” is removed.")
    if not gone:
        told = _("“{name}” is being removed: the runs that use it are stopped first.")
    return close_pane(request, reverse("connections:list"), told.format(name=connection.name))


def _verbs(request: Request) -> dict[str, Verb]:
    """What was chosen for each use, by its key; anything else than the two verbs counts as nothing."""
    return {
        name.removeprefix(_PREFIX): Verb(value)
        for name, value in request.POST.items()
        if name.startswith(_PREFIX) and isinstance(value, str) and value in list(Verb)
    }


def _asked(
    request: Request,
    connection: Connection,
    uses: Sequence[Use],
    verbs: Mapping[str, Verb] | None = None,
    status: int = 200,
) -> HttpResponse:
    refusal = _("Choose what becomes of each export.") if status != 200 else ""
    context = {
        "connection": connection,
        "uses": [(use, f"{_PREFIX}{use.key}", (verbs or {}).get(use.key)) for use in uses],
        "any_busy": any(use.is_busy for use in uses),
        "refusal": refusal,
        "title": _("Remove “{name}”?").format(name=connection.name),
        "confirm_label": _("Remove the connection") if uses else _("Remove"),
        "danger": True,
        "action_url": reverse("connections:remove", args=[connection.pk]),
        "active_nav": "connections",
    }
    back = reverse("connections:list")
    return render_dialog(request, context, "connections/remove.html", status, back=back)

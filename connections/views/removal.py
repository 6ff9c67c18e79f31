"""Removing a connection: asked first, and refused with the list of what uses it."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from config.web.htmx import Request
from config.web.panes import close_pane, render_dialog
from connections import actions, used_by
from connections.models import Connection
from connections.permissions import check_can_manage_connections


def remove(request: Request, pk: int) -> HttpResponse:
    """The question, and by POST the deed."""
    check_can_manage_connections(request.user)
    connection = get_object_or_404(Connection, pk=pk)
    if request.method != "POST":
        return _asked(request, connection, used_by.uses_of(pk))
    try:
        actions.remove(by=request.user, connection=connection)
    except actions.InUse as in_use:
        return _asked(request, connection, list(in_use.uses), status=409)
    message = _("The connection “{name}” is removed.").format(name=connection.name)
    return close_pane(request, reverse("connections:list"), message)


def _asked(request: Request, connection: Connection, uses: list[used_by.Use], status: int = 200) -> HttpResponse:
    context = {
        "connection": connection,
        "uses": uses,
        "title": (_("“{name}” is in use") if uses else _("Remove “{name}”?")).format(name=connection.name),
        "confirm_label": _("Remove"),
        "danger": True,
        "action_url": reverse("connections:remove", args=[connection.pk]),
        "active_nav": "connections",
    }
    back = reverse("connections:list")
    return render_dialog(request, context, "connections/remove.html", status, back=back)

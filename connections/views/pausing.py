"""Pausing a connection, and resuming it."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane
from connections import actions
from connections.models import Connection
from connections.permissions import check_can_manage_connections


@require_POST
def pause(request: Request, pk: int) -> HttpResponse:
    """Let no request start over the connection."""
    check_can_manage_connections(request.user)
    connection = get_object_or_404(Connection, pk=pk)
    actions.pause(by=request.user, connection=connection)
    told = _("The connection “{name}” is paused. Its runs wait until it is resumed.")
    return close_pane(request, reverse("connections:list"), told.format(name=connection.name))


@require_POST
def resume(request: Request, pk: int) -> HttpResponse:
    """Let requests start over the connection again."""
    check_can_manage_connections(request.user)
    connection = get_object_or_404(Connection, pk=pk)
    actions.lift_pause(by=request.user, connection=connection)
    told = _("The connection “{name}” is resumed. Its runs continue.")
    return close_pane(request, reverse("connections:list"), told.format(name=connection.name))

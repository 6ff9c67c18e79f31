"""Pause, resume and remove a connection."""

from collections.abc import Mapping, Sequence

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from connections import actions, deletion, hooks
from connections.hooks import OnRemoval, Usage
from connections.models import Connection
from connections.permissions import check_can_manage_connections

_PREFIX = "use-"


@require_POST
def pause(request: Request, pk: int) -> HttpResponse:
    """Pause the connection: no request starts over it until it is resumed."""
    check_can_manage_connections(request.user)
    connection = get_object_or_404(Connection, pk=pk)
    actions.pause(by=request.user, connection=connection)
    return _done(request, _("The connection “{name}” is paused. Its runs wait until it is resumed."), connection)


@require_POST
def resume(request: Request, pk: int) -> HttpResponse:
    """Resume a paused connection."""
    check_can_manage_connections(request.user)
    connection = get_object_or_404(Connection, pk=pk)
    actions.lift_pause(by=request.user, connection=connection)
    return _done(request, _("The connection “{name}” is resumed. Its runs continue."), connection)


@require_http_methods(["GET", "POST"])
def remove(request: Request, pk: int) -> HttpResponse:
    """Confirm the removal of a connection, with a choice for everything that uses it; by POST remove it."""
    check_can_manage_connections(request.user)
    connection = get_object_or_404(Connection, pk=pk)
    if request.method != "POST":
        return _confirm_removal(request, connection, hooks.connection_users.usages(pk))
    choices = _choices(request)
    try:
        gone = deletion.remove(by=request.user, connection=connection, choices=choices)
    except deletion.Undecided as undecided:
        return _confirm_removal(request, connection, undecided.usages, choices, status=422)
    message = _("The connection “{name}” is removed.")
    if not gone:
        message = _("“{name}” will be removed when the runs that use it have stopped.")
    return _done(request, message, connection)


def _done(request: Request, message: str, connection: Connection) -> HttpResponse:
    return close_pane(request, reverse("connections:list"), message.format(name=connection.name))


def _choices(request: Request) -> dict[str, OnRemoval]:
    """The posted choices by the keys of usages; unknown values are left out."""
    return {
        name.removeprefix(_PREFIX): OnRemoval(value)
        for name, value in request.POST.items()
        if name.startswith(_PREFIX) and isinstance(value, str) and value in list(OnRemoval)
    }


def _confirm_removal(
    request: Request,
    connection: Connection,
    usages: Sequence[Usage],
    choices: Mapping[str, OnRemoval] | None = None,
    status: int = 200,
) -> HttpResponse:
    refusal = _("Choose what to do with each export.") if status != 200 else ""
    context = {
        "connection": connection,
        "usages": [(usage, f"{_PREFIX}{usage.key}", (choices or {}).get(usage.key)) for usage in usages],
        "any_busy": any(usage.is_busy for usage in usages),
        "refusal": refusal,
        "title": _("Remove “{name}”?").format(name=connection.name),
        "confirm_label": _("Remove connection") if usages else _("Remove"),
        "danger": True,
        "action_url": reverse("connections:remove", args=[connection.pk]),
        "active_nav": "connections",
    }
    back = reverse("connections:list")
    return render_dialog(request, context, "connections/remove.html", status, back=back)

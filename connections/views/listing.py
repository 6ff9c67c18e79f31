"""Show Admin > Connections: the list, the destinations to discover; pause, resume and remove a connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Prefetch
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.platform.accounts.permissions import Role
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import close_pane, render_dialog
from connections import actions, destinations, hooks
from connections.destinations.base import Destination
from connections.hooks import OnRemoval, Usage
from connections.models import Connection, Consent, Environment
from connections.permissions import check_can_manage_connections
from connections.policies import ConnectionStatus, needs_consent, status_of

COLUMNS = [
    Column("name", gettext_lazy("Display name"), order_by=(Lower("name"),)),
    Column("type", gettext_lazy("Type"), order_by=("destination_key", "environment")),
    Column("status", gettext_lazy("Status")),
    Column("created", gettext_lazy("Created"), order_by=("created_at",)),
    Column("access", gettext_lazy("Who has access"), order_by=("allowed_roles",)),
]
ROLES = {
    Role.ADMINISTRATOR.value: gettext_lazy("Administrators"),
    Role.CONTRIBUTOR.value: gettext_lazy("Contributors"),
}
_PREFIX = "use-"


@dataclass(frozen=True)
class Row:
    """A connection as the list shows it."""

    connection: Connection
    status: ConnectionStatus
    usage_count: int
    who: Sequence[str | Promise]

    @property
    def runs_without_consent(self) -> bool:
        """Tell whether this is a sandbox connection without consent: allowed, and marked so."""
        return not needs_consent(self.connection) and not self.connection.consents.all()


@dataclass(frozen=True)
class Offer:
    """A destination and an environment that can be connected."""

    destination: Destination
    environment: Environment
    url: str

    @property
    def is_sandbox(self) -> bool:
        return self.environment is Environment.SANDBOX


def connection_list(request: Request) -> HttpResponse:
    """List every connection, with its status and who may use it."""
    check_can_manage_connections(request.user)
    consents = Prefetch("consents", Consent.objects.only("connection_id", "text_version", "given_at"))
    everything = Connection.objects.select_related("export_user", "created_by").prefetch_related(consents)
    page = list_page(
        request,
        everything,
        columns=COLUMNS,
        search=("name", "destination_key", "options__account_name"),
        default="name",
    )
    context = {
        "list": page,
        "rows": _rows(page.rows),
        "offers": offers(),
        "tabs": tabs("connections:list"),
        "active_nav": "connections",
    }
    return render(request, "connections/list.html", context)


@require_safe
def discover(request: Request) -> HttpResponse:
    """Show a tile for each destination that can be connected, with its sandbox where there is one."""
    check_can_manage_connections(request.user)
    by_destination = groupby(offers(), key=lambda offer: offer.destination.key)
    tiles = [list(found) for _key, found in by_destination]
    context = {"tiles": tiles, "tabs": tabs("connections:discover"), "active_nav": "connections"}
    return render(request, "connections/discover.html", context)


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
        gone = actions.remove(by=request.user, connection=connection, choices=choices)
    except actions.Undecided as undecided:
        return _confirm_removal(request, connection, undecided.usages, choices, status=422)
    message = _("The connection “{name}” is removed.")
    if not gone:
        message = _("“{name}” will be removed when the runs that use it have stopped.")
    return _done(request, message, connection)


def offers() -> list[Offer]:
    """Return what “Add connection” lists: every destination, and its sandbox where there is one."""
    return [
        Offer(destination, environment, _add_url(destination, environment))
        for destination in destinations.all_destinations()
        for environment in Environment
        if is_offered(destination, environment)
    ]


def tabs(current: str) -> list[tuple[str, str, bool]]:
    """Return the tabs of connections; ``current`` is the URL name of the open one."""
    views = ((gettext_lazy("Discover"), "connections:discover"), (gettext_lazy("Exports"), "connections:list"))
    return [(str(label), reverse(name), name == current) for label, name in views]


def is_offered(destination: Destination, environment: Environment) -> bool:
    """Tell whether the destination has an address in the environment."""
    return bool(destination.sandbox_url if environment is Environment.SANDBOX else destination.live_url)


def _add_url(destination: Destination, environment: Environment) -> str:
    address = reverse("connections:add", args=[destination.key])
    return f"{address}?environment=sandbox" if environment is Environment.SANDBOX else address


def _rows(connections: Sequence[Connection]) -> list[Row]:
    counts = hooks.connection_users.usage_counts([connection.pk for connection in connections])
    return [
        Row(
            connection,
            status_of(connection),
            counts.get(connection.pk, 0),
            [label for role, label in ROLES.items() if role in connection.allowed_roles],
        )
        for connection in connections
    ]


def _done(request: Request, message: str, connection: Connection) -> HttpResponse:
    return close_pane(request, reverse("connections:list"), message.format(name=connection.name))


def _choices(request: Request) -> dict[str, OnRemoval]:
    """Return the posted choices by the keys of usages; unknown values are ignored."""
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

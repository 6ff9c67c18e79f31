"""Show Admin > Connections: the list, and the destinations to discover."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Prefetch
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from config.platform.accounts.permissions import Role
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from connections import hooks
from connections.account import Environment
from connections.destinations import registry
from connections.destinations.base import Destination
from connections.models import Connection, Consent
from connections.permissions import check_can_manage_connections
from connections.policies import ConnectionStatus, needs_consent, status_of

COLUMNS = [
    Column("name", _("Display name"), order_by=(Lower("name"),)),
    Column("type", _("Type"), order_by=("destination_key", "environment")),
    Column("status", _("Status")),
    Column("created", _("Created"), order_by=("created_at",)),
    Column("access", _("Who has access"), order_by=("allowed_roles",)),
]
ROLES = {Role.ADMINISTRATOR.value: _("Administrators"), Role.CONTRIBUTOR.value: _("Contributors")}


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


def offers() -> list[Offer]:
    """Return what “Add connection” lists: every destination, and its sandbox where there is one."""
    return [
        Offer(destination, environment, _add_url(destination, environment))
        for destination in registry.all_destinations()
        for environment in Environment
        if is_offered(destination, environment)
    ]


def tabs(current: str) -> list[tuple[str, str, bool]]:
    """Return the tabs of connections; ``current`` is the URL name of the open one."""
    views = ((_("Discover"), "connections:discover"), (_("Exports"), "connections:list"))
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
        Row(connection, status_of(connection), counts.get(connection.pk, 0), _who(connection))
        for connection in connections
    ]


def _who(connection: Connection) -> list[str | Promise]:
    return [label for role, label in ROLES.items() if role in connection.allowed_roles]

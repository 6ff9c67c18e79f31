"""Admin > Connections > Discover: a tile for each kind of destination."""

from itertools import groupby

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.platform.web.htmx import Request
from connections.permissions import check_can_manage_connections
from connections.views.listing import Offer, offers, tabs


@require_safe
def discover(request: Request) -> HttpResponse:
    """What can be connected here, each with what it does and a way to set it up."""
    check_can_manage_connections(request.user)
    context = {"tiles": _tiles(), "tabs": tabs("connections:discover"), "active_nav": "connections"}
    return render(request, "connections/discover.html", context)


def _tiles() -> list[list[Offer]]:
    """The offers of each destination together: the real one and, where there is one, its sandbox."""
    by_destination = groupby(offers(), key=lambda offer: offer.destination.key)
    return [list(found) for _key, found in by_destination]

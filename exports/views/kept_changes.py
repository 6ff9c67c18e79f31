"""Keep what was typed in an export pane in the session of the user, so that the page of its effect has an address
that works with Back and reload. Nothing of the export is saved."""

import secrets
from typing import Any

from django.http import QueryDict

from config.platform.web.htmx import Request

_SESSION_KEY = "export_changes"
_KEPT = 5
_NOT_TYPED = ("csrfmiddlewaretoken", "then")


def keep(request: Request, export_id: int) -> str:
    """Keep the posted pane, and return the key of it. The latest few are kept."""
    key = secrets.token_hex(8)
    data = {name: values for name, values in request.POST.lists() if name not in _NOT_TYPED}
    changes = [*_changes(request), {"key": key, "export": export_id, "data": data}]
    request.session[_SESSION_KEY] = changes[-_KEPT:]
    return key


def find(request: Request, export_id: int, key: str) -> QueryDict | None:
    """Return what was typed, as it was posted; None when it is not kept."""
    for change in _changes(request):
        if (change["key"], change["export"]) == (key, export_id):
            data = QueryDict(mutable=True)
            for name, values in change["data"].items():
                data.setlist(name, values)
            return data
    return None


def _changes(request: Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = request.session.get(_SESSION_KEY, [])
    return found

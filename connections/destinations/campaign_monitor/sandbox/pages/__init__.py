"""Serve the pages of the sandbox: lists, subscribers, calls, faults, authorizations. Rendered on the server,
without scripts; only the pages of faults and authorizations change anything."""

import re
from collections.abc import Callable
from pathlib import Path

from connections.destinations.campaign_monitor.sandbox.http_messages import NotFound, Reply, Request
from connections.destinations.campaign_monitor.sandbox.pages import views
from connections.destinations.campaign_monitor.sandbox.pages.rendering import page
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox

_HERE = Path(__file__).parent
_CONTENT_TYPES = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


def handle_page_request(sandbox: Sandbox, request: Request) -> Reply:
    """Return the page at an address, or the page “not found”."""
    try:
        for method, pattern, view in _PAGES:
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                return view(sandbox, request, *found.groups())
    except NotFound:
        pass
    return page("not_found.html", status=404)


def _file(_sandbox: Sandbox, _request: Request, kind: str) -> Reply:
    contents = (_HERE / f"sandbox.{kind}").read_bytes()
    return Reply(200, contents, _CONTENT_TYPES[kind], {"Cache-Control": "no-cache"})


_PAGES: list[tuple[str, re.Pattern[str], Callable[..., Reply]]] = [
    (method, re.compile(path), view)
    for method, path, view in (
        ("GET", r"/", views.lists),
        ("GET", r"/lists/(\w+)/", views.subscribers),
        ("GET", r"/lists/(\w+)/person/", views.subscriber),
        ("GET", r"/clients/(\w+)/suppressions/", views.suppressions),
        ("GET", r"/calls/", views.calls),
        ("GET", r"/oauth", views.ask),
        ("POST", r"/oauth", views.decide),
        ("GET", r"/authorizations/", views.authorizations),
        ("POST", r"/authorizations/", views.change_authorizations),
        ("GET", r"/faults/", views.faults_page),
        ("POST", r"/faults/", views.change_faults),
        ("GET", r"/sandbox\.(css|svg)", _file),
    )
]

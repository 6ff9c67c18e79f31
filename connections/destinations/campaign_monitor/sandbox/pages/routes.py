"""From an address to its page."""

import re
from collections.abc import Callable
from pathlib import Path

from connections.destinations.campaign_monitor.sandbox.answers import NotFound
from connections.destinations.campaign_monitor.sandbox.http_messages import Reply, Request
from connections.destinations.campaign_monitor.sandbox.pages import consent, faults, views
from connections.destinations.campaign_monitor.sandbox.pages.rendering import page
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox

_HERE = Path(__file__).parent
_CONTENT_TYPES = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


def through(sandbox: Sandbox, request: Request) -> Reply:
    """The page at an address, or the page that says that there is none."""
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
        ("GET", r"/lists/(\w+)/", views.people),
        ("GET", r"/lists/(\w+)/person/", views.person),
        ("GET", r"/clients/(\w+)/suppressions/", views.suppressions),
        ("GET", r"/calls/", views.calls),
        ("GET", r"/oauth", consent.ask),
        ("POST", r"/oauth", consent.decide),
        ("GET", r"/authorizations/", consent.authorizations),
        ("POST", r"/authorizations/", consent.change_authorizations),
        ("GET", r"/faults/", faults.faults),
        ("POST", r"/faults/", faults.change_faults),
        ("GET", r"/sandbox\.(css|svg)", _file),
    )
]

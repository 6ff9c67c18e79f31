"""Addresses of panes and dialogs over a page: ``/data/exports/?pane=/data/exports/2/``.

The browser opens what such an address names (static/js/addresses.js), and notes there what is opened by click. The
views of the pages know nothing of it.
"""

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django.http import HttpRequest, HttpResponse

from config.platform.web.middleware import Middleware

LAYERS = ("pane", "dialog")
_READABLE = "/?=:,"


def with_pane(page: str, pane: str) -> str:
    """Return the address of ``page`` with the pane at the address ``pane`` open over it."""
    joint = "&" if "?" in page else "?"
    return f"{page}{joint}pane={quote(pane, safe=_READABLE)}"


def without_layers(query: str) -> str:
    """Return a query string without the parameters that name a pane or a dialog."""
    if not any(f"{name}=" in query for name in LAYERS):
        return query
    return urlencode([pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in LAYERS])


class HideLayers(Middleware):
    """Hide from views which pane or dialog the browser is to open over their page, so that no filter, link or form
    takes it for a parameter of the page. Stands behind the sign-in, which leads back to the whole address."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        query = str(request.META.get("QUERY_STRING", ""))
        kept = without_layers(query)
        if kept != query:
            request.META["QUERY_STRING"] = kept
            request.__dict__.pop("GET", None)  # read before, perhaps
        return None


def page_address(url: str) -> str:
    """Return path and query of ``url``, the address of a page, without what is open over it."""
    parts = urlsplit(url)
    query = without_layers(parts.query)
    return f"{parts.path}?{query}" if query else parts.path

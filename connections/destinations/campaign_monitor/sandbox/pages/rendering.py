"""Render templates to replies, and split rows into pages."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.template import Context, Engine

from connections.destinations.campaign_monitor.sandbox.http_messages import Reply, Request

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
ROWS_PER_PAGE = 50


def page(template: str, *, status: int = 200, **context: Any) -> Reply:
    """Render a page, with a Content-Security-Policy that loads nothing from elsewhere."""
    html = _engine().get_template(template).render(Context(context))
    return Reply(status, html.encode(), "text/html; charset=utf-8", dict(_HEADERS))


def query(request: Request) -> dict[str, str]:
    """Return the parameters of the address."""
    return dict(parse_qsl(request.query))


@dataclass(frozen=True)
class Slice:
    """A page of many rows, with the addresses of the previous and next page."""

    rows: list[Any]
    first: int
    last: int
    total: int
    previous: str
    next: str

    @classmethod
    def of(cls, rows: list[Any], parameters: dict[str, str]) -> "Slice":
        """Return the page that ``parameters`` ask for, or the nearest."""
        pages = max(-(-len(rows) // ROWS_PER_PAGE), 1)
        wanted = parameters.get("page", "1")
        number = min(max(int(wanted), 1), pages) if wanted.isdecimal() else 1
        start = (number - 1) * ROWS_PER_PAGE
        chosen = rows[start : start + ROWS_PER_PAGE]
        return cls(
            rows=chosen,
            first=start + 1 if chosen else 0,
            last=start + len(chosen),
            total=len(rows),
            previous=_at_page(parameters, number - 1) if number > 1 else "",
            next=_at_page(parameters, number + 1) if number < pages else "",
        )


def _at_page(parameters: dict[str, str], number: int) -> str:
    return "?" + urlencode(parameters | {"page": str(number)})


@cache
def _engine() -> Engine:
    return Engine(
        dirs=[str(Path(__file__).with_name("templates"))],
        builtins=["django.templatetags.i18n"],
        libraries={"humanize": "django.contrib.humanize.templatetags.humanize"},
    )

"""Clean requests before anything reads them, and find the address of the client.

Forwarded headers (X-Forwarded-For, X-Forwarded-Proto) count only from proxies named in TRUSTED_PROXIES. NUL
characters go from query parameters: PostgreSQL fails where a text with one is looked up.
"""

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")


class DropForgedHeaders:
    """Remove forwarded headers from requests that do not come from a trusted proxy. Stands before everything that
    reads an address or a scheme."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_trusted_proxy(str(request.META.get("REMOTE_ADDR", ""))):
            for name in _FORWARDED:
                request.META.pop(name, None)
        return self.get_response(request)


def is_trusted_proxy(address: str) -> bool:
    """Return whether ``address`` belongs to a trusted proxy. An empty one is that of a socket file on this
    machine."""
    if not address:
        return True
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in settings.TRUSTED_PROXIES)


_NUL = "%00"


class DropNulCharacters:
    """Remove ``%00`` from the query string. Stands before everything that reads a parameter."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = str(request.META.get("QUERY_STRING", ""))
        while _NUL in query:  # again, as “%0%000” holds one after the first removal
            query = query.replace(_NUL, "")
        request.META["QUERY_STRING"] = query
        return self.get_response(request)


def client_address(request: HttpRequest) -> str:
    """Return the network address of the client. Behind trusted proxies it is the last address in
    X-Forwarded-For that is not a trusted proxy; what stands before it may be forged."""
    if settings.HTTPS:
        forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        for address in reversed(forwarded):
            if address and not is_trusted_proxy(address):
                return address[:45]
    return str(request.META.get("REMOTE_ADDR", ""))[:45]

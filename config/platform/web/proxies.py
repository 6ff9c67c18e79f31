"""Trust forwarded headers (X-Forwarded-For, X-Forwarded-Proto) only from proxies named in TRUSTED_PROXIES."""

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
    """Whether ``address`` belongs to a trusted proxy. An empty one is that of a socket file on this machine."""
    if not address:
        return True
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in settings.TRUSTED_PROXIES)

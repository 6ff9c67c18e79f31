"""Where a request comes from."""

from django.conf import settings
from django.http import HttpRequest

from config.platform.web.proxies import is_trusted_proxy


def address_of(request: HttpRequest) -> str:
    """Return the network address of the client. Behind trusted proxies it is the last address in
    X-Forwarded-For that is not a trusted proxy; what stands before it may be forged."""
    if settings.HTTPS:
        forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        for address in reversed(forwarded):
            if address and not is_trusted_proxy(address):
                return address[:45]
    return str(request.META.get("REMOTE_ADDR", ""))[:45]

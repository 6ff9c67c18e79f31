"""Middleware: clean requests, require sign-in, apply the formats of the user, and record refusals.

Forwarded headers (X-Forwarded-For, X-Forwarded-Proto) count only from proxies named in TRUSTED_PROXIES. NUL
characters go from query parameters: PostgreSQL fails where a text with one is looked up.
"""

from collections.abc import Callable
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from config.platform.accounts.models import User
from config.platform.audit.record import from_origin, record
from config.platform.jobs import clock
from config.platform.web.formats import Formats, use_formats

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")
_NUL = "%00"
SIGN_IN_AT = "X-Sign-In"
API_PREFIX = "/api/v1/"
# So many refusals of one user are recorded in a minute: enough to notice, too few to flood the audit.
MOST_PER_MINUTE = 20
_LONGEST_PATH = 300


class Middleware:
    """Base of middleware that keeps the next handler."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response


class DropForgedHeaders(Middleware):
    """Remove forwarded headers from requests that do not come from a trusted proxy. Stands before everything that
    reads an address or a scheme."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_trusted_proxy(str(request.META.get("REMOTE_ADDR", ""))):
            for name in _FORWARDED:
                request.META.pop(name, None)
        return self.get_response(request)


class RefuseTrace(Middleware):
    """Refuse TRACE, which views would take for GET."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "TRACE":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        return self.get_response(request)


class DropNulCharacters(Middleware):
    """Remove ``%00`` from the query string. Stands before everything that reads a parameter. The REST API refuses
    such parameters itself."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(API_PREFIX):
            return self.get_response(request)
        query = str(request.META.get("QUERY_STRING", ""))
        while _NUL in query:  # again, as “%0%000” holds one after the first removal
            query = query.replace(_NUL, "")
        request.META["QUERY_STRING"] = query
        return self.get_response(request)


class RememberOrigin(Middleware):
    """Remember the client's address while a request is answered. Stands first, so that every audit entry knows
    it."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with from_origin(client_address(request)):
            return self.get_response(request)


class RecordRefusals(Middleware):
    """Record 403 answers to signed-in users, with user and path. Stands behind the authentication. The query is
    left out, since it may hold what was searched."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: object = request.user
        response = self.get_response(request)
        user = getattr(request, "auth", None) or user  # that of an API token
        if response.status_code == HTTPStatus.FORBIDDEN and isinstance(user, User):
            key = f"refusals:{user.pk}:{clock.now():%Y%m%d%H%M}"
            cache.add(key, 0, timeout=120)
            if cache.incr(key) <= MOST_PER_MINUTE:
                refused = f"{request.method} {request.path}"[:_LONGEST_PATH]
                record("access refused", user, by=user, changes={"request": (None, refused)})
        return response


class ApplyUserFormats(Middleware):
    """Answer in the language, the time zone and the formats that the user has chosen."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        zone = ZoneInfo(user.time_zone) if user.time_zone else None
        formats = Formats(user.date_format, user.time_format, user.number_format)
        language = user.language or translation.get_language()
        request.LANGUAGE_CODE = language
        with translation.override(language), timezone.override(zone), use_formats(formats):
            return self.get_response(request)


class SignInRequired(LoginRequiredMiddleware):
    """Require sign-in, except for views marked ``login_not_required``. A fragment that is requested after the
    session has ended is answered with 401 and the address of the dialog that asks for the password over the page,
    which so keeps what was typed (static/js/sign_in.js)."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        if request.headers.get("HX-Request") != "true":
            return super().handle_no_permission(request, view_func)
        return HttpResponse(status=401, headers={SIGN_IN_AT: reverse("accounts:sign_in")})


class VaryOnHtmx(Middleware):
    """Mark every response as depending on the header that htmx sends, and forbid storing it: pages hold
    personal data, and Back after signing out must not show them."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


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


def client_address(request: HttpRequest) -> str:
    """Return the network address of the client. Behind trusted proxies it is the last address in
    X-Forwarded-For that is not a trusted proxy; what stands before it may be forged."""
    if settings.HTTPS:
        forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        for address in reversed(forwarded):
            if address and not is_trusted_proxy(address):
                return address[:45]
    return str(request.META.get("REMOTE_ADDR", ""))[:45]

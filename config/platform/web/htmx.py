"""One address answers with a page or, for htmx, with its fragment; caches must know."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails

from config.platform.accounts.models import User


class Request(HttpRequest):
    """A request of a signed-in user, with what htmx says of it."""

    htmx: HtmxDetails
    user: User


class VaryOnHtmx:
    """Mark every response as depending on the header that htmx sends, and forbid storing it: pages hold
    personal data, and Back after signing out must not show them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

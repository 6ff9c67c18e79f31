"""Tells the record from where a request comes."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config.platform.audit import origin
from config.platform.web.client_address import address_of


class RememberOrigin:
    """Stands first, so that whatever is recorded while a request is answered knows its network address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with origin.coming_from(address_of(request)):
            return self.get_response(request)

"""Type the requests of signed-in users."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from config.platform.accounts.models import User


class Request(HttpRequest):
    """A request of a signed-in user, with what htmx says of it."""

    htmx: HtmxDetails
    user: User

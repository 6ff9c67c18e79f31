"""Record where requests come from, and requests that were refused (403)."""

from collections.abc import Callable
from http import HTTPStatus

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from config.platform.accounts.models import User
from config.platform.audit.record import from_origin, record
from config.platform.jobs import clock
from config.platform.web.middleware import client_address


class RememberOrigin:
    """Remember the client's address while a request is answered. Stands first, so that every audit entry knows
    it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with from_origin(client_address(request)):
            return self.get_response(request)


# So many refusals of one person are recorded in a minute: enough to notice, too few to flood the record.
MOST_PER_MINUTE = 20
_LONGEST_PATH = 300


class RecordRefusals:
    """Record 403 answers to signed-in users, with user and path. Stands behind the authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        response = self.get_response(request)
        if response.status_code == HTTPStatus.FORBIDDEN and isinstance(user, User):
            _record_refusal(request, user)
        return response


def _record_refusal(request: HttpRequest, user: User) -> None:
    """Keep the path without its query, which may hold what was searched."""
    if _count_refusals(user) <= MOST_PER_MINUTE:
        asked = f"{request.method} {request.path}"[:_LONGEST_PATH]
        record("access refused", user, by=user, changes={"request": (None, asked)})


def _count_refusals(user: User) -> int:
    """Count the refusals of a person in this minute, with this one."""
    key = f"refusals:{user.pk}:{clock.now():%Y%m%d%H%M}"
    cache.add(key, 0, timeout=120)
    return int(cache.incr(key))

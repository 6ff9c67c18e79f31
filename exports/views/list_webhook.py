"""Receive the calls of lists' webhooks. The address is the only proof, so it appears in no log."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from exports.feedback import webhook_calls


@csrf_exempt
@login_not_required
def receive(request: HttpRequest, webhook_id: int, secret: str) -> HttpResponse:
    """Take a call, and answer at once; what it asks for is done by a worker."""
    webhook = webhook_calls.authenticate(webhook_id, secret)
    if webhook is None:
        return _quiet(HTTPStatus.NOT_FOUND)
    if request.method != "POST":
        return _quiet(HTTPStatus.METHOD_NOT_ALLOWED)
    if _length_of(request) > webhook_calls.MOST_BYTES:
        return _quiet(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        body = request.body
    except RequestDataTooBig:
        return _quiet(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except UnreadablePostError:
        return _quiet(HTTPStatus.BAD_REQUEST)
    webhook_calls.take(webhook, body)
    return HttpResponse(status=HTTPStatus.OK)


def _length_of(request: HttpRequest) -> int:
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def _quiet(status: HTTPStatus) -> HttpResponse:
    """Answer without a line in the log, which would hold the address."""
    response = HttpResponse(status=status)
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response

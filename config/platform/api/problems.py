"""Answer errors of the REST API as problem details (RFC 9457), without the values that were sent."""

from http import HTTPStatus
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from ninja.errors import ValidationError

PROBLEM_TYPE = "application/problem+json"
_MOST_ERRORS = 100


class ProblemError(Schema):
    """One part of the request that cannot be used."""

    location: list[str | int]
    message: str


class Problem(Schema):
    """Why a request was not carried out."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemError] | None = None


class Conflict(Exception):
    """The request cannot be carried out in the present state; ``code`` names the reason for programs."""

    def __init__(self, detail: str, code: str = "conflict") -> None:
        super().__init__(detail)
        self.detail, self.code = detail, code


class RateLimited(Exception):
    """The token has used up its requests of this minute."""


def problem(status: int, detail: str, *, code: str = "", **members: Any) -> HttpResponse:
    """Return a response with a problem; ``members`` are its further members."""
    title = HTTPStatus(status).phrase
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code or title.lower().replace(" ", "_"),
        **members,
    }
    return HttpResponse(orjson.dumps(body, default=str), status=status, content_type=PROBLEM_TYPE)


def of_validation(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a request whose parameters or body do not fit the schema."""
    found = error.errors if isinstance(error, ValidationError) else []
    errors = [{"location": list(each["loc"]), "message": str(each["msg"])} for each in found[:_MOST_ERRORS]]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request does not fit the schema.", errors=errors)


def of_permission(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a request that the role, or the scopes of the token, do not allow."""
    return problem(HTTPStatus.FORBIDDEN, str(error) or "This is not allowed.")


def of_missing(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a request for something that does not exist."""
    return problem(HTTPStatus.NOT_FOUND, "There is nothing with this address.")


def of_conflict(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a request that the present state does not allow."""
    code = getattr(error, "code", "conflict")
    return problem(HTTPStatus.CONFLICT, getattr(error, "detail", "") or str(error), code=code)


def of_status(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer an HttpError of ninja, such as a missing token or a body that is not JSON."""
    status = getattr(error, "status_code", HTTPStatus.BAD_REQUEST)
    if status == HTTPStatus.UNAUTHORIZED:
        response = problem(status, "Send a valid token: “Authorization: Bearer TOKEN”.")
        response["WWW-Authenticate"] = 'Bearer realm="api"'
        return response
    return problem(status, str(error))


def of_size(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a body that is larger than DATA_UPLOAD_MAX_MEMORY_SIZE."""
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")


def of_rate_limit(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a token that has used up its requests of this minute."""
    return problem(HTTPStatus.TOO_MANY_REQUESTS, "The token has made too many requests in this minute.")

"""Middleware that labels the log records of a request with its ID and its user, and returns the ID in the header
``X-Request-ID``. Tasks that the request enqueues have the same ID (config/celery.py)."""

import re
from typing import Final
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse

from config.platform.accounts.models import User
from config.platform.web.middleware import Middleware, is_trusted_proxy

HEADER: Final = "X-Request-ID"
_IS_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


class LabelRequest(Middleware):
    """Give each request an ID: that of a trusted proxy, or a new one."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        is_usable = _IS_ID(given) and is_trusted_proxy(str(request.META.get("REMOTE_ADDR", "")))
        request_id = given if is_usable else uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response.headers[HEADER] = request_id
        return response


class LabelUser(Middleware):
    """Label log records with the ID of the signed-in user. Stands behind the authentication."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: object = request.user
        with structlog.contextvars.bound_contextvars(user=user.pk if isinstance(user, User) else None):
            return self.get_response(request)


def label_user(user: User) -> None:
    """Label the further log records of a request with the user of its API token."""
    structlog.contextvars.bind_contextvars(user=user.pk)

"""Compose the REST API of the operations of all apps, and document it in OpenAPI."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from config.console.api import audit, operations, webhooks
from config.platform.api import problems
from config.platform.api.authentication import BearerToken
from config.platform.api.problems import PROBLEM_TYPE, Problem
from connections import api as connections_api
from exports.api import campaigns as campaigns_api
from exports.api import effects as effects_api
from exports.api import exports as exports_api
from exports.api import lists as lists_api
from exports.api import previews as previews_api
from exports.api import run_log as run_log_api
from exports.api import runs as runs_api
from exports.policies import Refusal
from segments.api import segments as segments_api
from segments.api import sources as sources_api
from segments.catalog import TooManyAttributes
from segments.sources.push.actions import PushRefused

DESCRIPTION = """Start exports and learn how they ended, create segments, send profiles.

Send a token with every request: `Authorization: Bearer TOKEN`. Create one under *API tokens* in the menu of your
account; administrators create service accounts under *Permissions*. A token allows no more than the role of its
user and its scopes.

Lists come in parts: pass `next_cursor` of a part as `cursor` to get the next one. Errors are problem details
(RFC 9457). The headers `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (in seconds) tell how many
requests a token may still make in this minute."""

_ROUTERS = (
    operations.router,
    connections_api.router,
    sources_api.router,
    segments_api.router,
    effects_api.router,
    exports_api.router,
    campaigns_api.router,
    previews_api.router,
    runs_api.router,
    run_log_api.router,
    lists_api.router,
    webhooks.router,
    audit.router,
)
_WITH_BODY = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_ALWAYS = (
    *(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
    *(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS),
)


class BodyParser(Parser):
    """Parse bodies as strict JSON in UTF-8. Raises HttpError."""

    def parse_body(self, request: HttpRequest) -> Any:
        try:
            return orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise HttpError(HTTPStatus.BAD_REQUEST, "The body is not JSON.") from None


class JsonRenderer(BaseRenderer):
    """Write answers as JSON."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        try:
            return orjson.dumps(data, default=str)
        except TypeError:  # a number of more than 64 bits, such as in rules that were written on a page
            return json.dumps(data, default=str).encode()


class RestApi(NinjaAPI):
    """The API, which documents for each operation the problems that it may answer with."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        models = schema["components"].setdefault("schemas", {})
        described = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        models.update(described.pop("$defs", {}))
        models["Problem"] = described
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                _document_problems(path, method, operation)
        return schema


def _document_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    statuses = [*_ALWAYS]
    if "{" in path:
        statuses.append(HTTPStatus.NOT_FOUND)
    if method != "get":
        statuses.append(HTTPStatus.CONFLICT)
    if "requestBody" in operation:
        statuses += _WITH_BODY
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses = {str(key): value for key, value in operation["responses"].items()}
    for status in sorted(statuses):
        responses[str(int(status))] = {"description": status.phrase, "content": content}
    operation["responses"] = responses
    for parameter in operation["parameters"]:
        parameter["schema"] = _without_null(parameter["schema"])


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that may be left out: it cannot be null, since it is text."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    others = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**others, **kinds[0]}


def _conflicts() -> tuple[type[Exception], ...]:
    """Return the exceptions of the apps whose sentence says why something cannot be done now."""
    return (problems.Conflict, Refusal, PushRefused, TooManyAttributes)


def compose() -> RestApi:
    """Return the API with the operations of all apps."""
    api = RestApi(
        title=settings.PRODUCT_NAME,
        version=settings.VERSION,
        description=DESCRIPTION,
        urls_namespace="api",
        openapi_url="/openapi.json",
        docs_url=None,
        auth=BearerToken(),
        parser=BodyParser(),
        renderer=JsonRenderer(),
    )
    handlers: dict[type[Exception], Callable[..., Any]] = {
        ValidationError: problems.of_validation,
        PermissionDenied: problems.of_permission,
        Http404: problems.of_missing,
        HttpError: problems.of_status,
        RequestDataTooBig: problems.of_size,
        problems.RateLimited: problems.of_rate_limit,
        **dict.fromkeys(_conflicts(), problems.of_conflict),
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)
    for router in _ROUTERS:
        api.add_router("", router)
    return api

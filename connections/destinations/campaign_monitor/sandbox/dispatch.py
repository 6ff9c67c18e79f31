"""The way into the API: prefix, version, credential, suffix — in the vendor's order, so that a stranger learns
nothing but 401 — and then the handler."""

import re
from urllib.parse import parse_qsl

from connections.destinations.campaign_monitor.sandbox import api, oauth
from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError, NotFound
from connections.destinations.campaign_monitor.sandbox.calls import Call, Caller, identify
from connections.destinations.campaign_monitor.sandbox.http_messages import Request
from connections.destinations.campaign_monitor.sandbox.routes import answer
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox

_PREFIX = re.compile(r"/api/v3(?:\.(\d+))?(/.*)", re.IGNORECASE)
_KNOWN_VERSIONS = range(4)  # v3 to v3.3
_SUFFIX = re.compile(r"(.*)\.(json|xml)", re.IGNORECASE)

assert api.__all__  # noqa: S101 - importing it announced every handler


def through(sandbox: Sandbox, request: Request) -> tuple[Answer, Caller | None]:
    """What the API answers, and to whom."""
    caller = None
    if request.path == oauth.TOKEN_PATH and request.method == "POST":
        return oauth.token(sandbox.store, sandbox.authorizing, request), None
    try:
        found = _PREFIX.fullmatch(request.path)
        if found is None:
            raise NotFound
        caller = identify(sandbox.store, request.headers.get("authorization", ""))
        call = Call(
            store=sandbox.store,
            faults=sandbox.faults,
            caller=caller,
            method=request.method,
            path=_without_suffix(found[2], accepts=request.headers.get("accept", "")),
            version=_version(found[1]),
            parameters={name.lower(): value for name, value in parse_qsl(request.query, keep_blank_values=True)},
            body=request.body,
        )
        return answer(call), caller
    except ApiError as refusal:
        return refusal.answer, caller
    except NotFound:
        return Answer(404), caller


def _version(minor: str | None) -> tuple[int, int]:
    number = int(minor or 0)
    if number not in _KNOWN_VERSIONS:
        raise NotFound
    return 3, number


def _without_suffix(path: str, *, accepts: str) -> str:
    """The path, when JSON is what its suffix or the Accept header asks for. The vendor's default is XML, which
    this sandbox does not speak: better to say so than to let a forgotten suffix pass."""
    found = _SUFFIX.fullmatch(path)
    wanted = found[2].lower() if found else "json" if "application/json" in accepts.lower() else "xml"
    if wanted == "xml":
        raise ApiError(501, status=501, message="The sandbox speaks JSON only: end the path with .json")
    return found[1] if found else path

"""Route API requests to handlers, which register with ``@route``. Prefix, version, credentials and suffix are
checked in the vendor's order, so that callers without credentials get 401 for any path."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from connections.destinations.campaign_monitor.sandbox import oauth
from connections.destinations.campaign_monitor.sandbox.calls import Call, Caller, identify
from connections.destinations.campaign_monitor.sandbox.http_messages import Answer, ApiError, NotFound, Request
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox

Handler = Callable[..., Answer]
# ImportSubscribers may change subscribers, ManageLists lists. Which token scope allows what is not
# public; this is the likely reading.
SUBSCRIBERS = ("ImportSubscribers", "ManageLists")
LISTS = ("ManageLists", "ImportSubscribers")
ACCOUNT = ("AdministerAccount",)
_PLACEHOLDER = re.compile(r"(?<!\?P)<(\w+)>")
_PREFIX = re.compile(r"/api/v3(?:\.(\d+))?(/.*)", re.IGNORECASE)
_KNOWN_VERSIONS = range(4)  # v3 to v3.3
_SUFFIX = re.compile(r"(.*)\.(json|xml)", re.IGNORECASE)


@dataclass(frozen=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    scopes: tuple[str, ...]
    account_only: bool
    exclusive: bool


_ROUTES: list[_Route] = []


def route(
    method: str, path: str, *, scopes: tuple[str, ...] = (), account_only: bool = False, exclusive: bool = True
) -> Callable[[Handler], Handler]:
    """Register the handler of a path without prefix and suffix. ``<list>`` and ``<client>`` are passed as objects
    after the caller's access is checked, other placeholders as text. ``exclusive``: hold the lock of the store
    meanwhile."""
    pattern = re.compile(_PLACEHOLDER.sub(r"(?P<\1>[^/]+)", path), re.IGNORECASE)

    def announce(handler: Handler) -> Handler:
        _ROUTES.append(_Route(method, pattern, handler, scopes, account_only, exclusive))
        return handler

    return announce


def answer(call: Call) -> Answer:
    """Call the handler of a call. Raises ApiError and NotFound."""
    for each in _ROUTES:
        if each.method != call.method:
            continue
        found = each.pattern.fullmatch(call.path)
        if found:
            return _answer(call, each, {name: unquote(value) for name, value in found.groupdict().items()})
    raise NotFound


def _answer(call: Call, chosen: _Route, named: dict[str, Any]) -> Answer:
    if chosen.account_only:
        call.caller.check_account()
    if chosen.scopes:
        call.caller.check_scope(*chosen.scopes)
    if not chosen.exclusive:
        return chosen.handler(call, **_resolve_ids(call, named))
    with call.store.lock:
        return chosen.handler(call, **_resolve_ids(call, named))


def _resolve_ids(call: Call, named: dict[str, Any]) -> dict[str, Any]:
    """Replace the IDs in a path by the client and the list."""
    if "client" in named:
        named["client"] = call.caller.client(call.store, named["client"])
    if "list" in named:
        named["mailing_list"] = call.caller.list(call.store, named.pop("list"))
    return named


def handle_api_request(sandbox: Sandbox, request: Request) -> tuple[Answer, Caller | None]:
    """Return the answer of the API, and the caller if it was identified."""
    caller = None
    if request.path == oauth.TOKEN_PATH and request.method == "POST":
        return oauth.token(sandbox.store, sandbox.oauth_state, request), None
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


def _without_suffix(path: str, *, accepts: str) -> str:
    """Return the path without suffix if the suffix or the Accept header asks for JSON. XML, the vendor's default,
    is refused, so that a forgotten suffix is noticed."""
    found = _SUFFIX.fullmatch(path)
    wanted = found[2].lower() if found else "json" if "application/json" in accepts.lower() else "xml"
    if wanted == "xml":
        raise ApiError(501, status=501, message="The sandbox speaks JSON only: end the path with .json")
    return found[1] if found else path


def _version(minor: str | None) -> tuple[int, int]:
    number = int(minor or 0)
    if number not in _KNOWN_VERSIONS:
        raise NotFound
    return 3, number

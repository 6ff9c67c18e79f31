"""From a method and a path to the handler. Handlers announce themselves with ``@route``; the packages that hold
them are imported by ``handlers``."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from connections.destinations.campaign_monitor.sandbox.answers import Answer, NotFound
from connections.destinations.campaign_monitor.sandbox.calls import Call

Handler = Callable[..., Answer]

# ImportSubscribers may do what moves people, ManageLists what shapes lists. Which token scope opens what is not
# public; this is the likely reading.
PEOPLE = ("ImportSubscribers", "ManageLists")
LISTS = ("ManageLists", "ImportSubscribers")
ACCOUNT = ("AdministerAccount",)


@dataclass(frozen=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    scopes: tuple[str, ...]
    account_only: bool
    alone: bool


_routes: list[_Route] = []
_PLACEHOLDER = re.compile(r"(?<!\?P)<(\w+)>")


def route(
    method: str, path: str, *, scopes: tuple[str, ...] = (), account_only: bool = False, alone: bool = True
) -> Callable[[Handler], Handler]:
    """Announce the handler of a path without prefix and suffix. ``<list>`` and ``<client>`` in it arrive as the
    list and the client themselves, once it is sure that the caller may reach them; other names as text. ``alone``:
    nothing else happens in the store meanwhile."""
    pattern = re.compile(_PLACEHOLDER.sub(r"(?P<\1>[^/]+)", path), re.IGNORECASE)

    def announce(handler: Handler) -> Handler:
        _routes.append(_Route(method, pattern, handler, scopes, account_only, alone))
        return handler

    return announce


def answer(call: Call) -> Answer:
    """What the API says to a call; raises ApiError or NotFound."""
    for each in _routes:
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
    if not chosen.alone:
        return chosen.handler(call, **_reached(call, named))
    with call.store.lock:
        return chosen.handler(call, **_reached(call, named))


def _reached(call: Call, named: dict[str, Any]) -> dict[str, Any]:
    """What the path names, ids replaced by what they stand for."""
    if "client" in named:
        named["client"] = call.caller.client(call.store, named["client"])
    if "list" in named:
        named["mailing_list"] = call.caller.list(call.store, named.pop("list"))
    return named

"""Read an API call: identify the caller by account key, client key or OAuth token, read query and body, page
results."""

import base64
import binascii
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from connections.destinations.campaign_monitor.sandbox import oauth
from connections.destinations.campaign_monitor.sandbox.faults import Faults
from connections.destinations.campaign_monitor.sandbox.http_messages import (
    Answer,
    ApiError,
    NotFound,
    Request,
    cannot_read,
)
from connections.destinations.campaign_monitor.sandbox.model import Client, MailingList
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox
from connections.destinations.campaign_monitor.sandbox.store import Store

CONSENT_REQUIRED_SINCE = (3, 2)
JOINED_DATE_SINCE = (3, 3)
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


@dataclass(frozen=True)
class Caller:
    """A caller with valid credentials. ``client_id`` is set for a client key, which reaches only that client."""

    kind: str  # account key, client key, token
    client_id: str = ""
    scopes: frozenset[str] | None = None  # None: everything

    def check_scope(self, *any_of: str) -> None:
        """Raise 401/60 unless the token has one of these scopes."""
        if self.scopes is not None and self.scopes.isdisjoint(any_of):
            raise ApiError(60, status=401)

    def check_account(self) -> None:
        """Raise 403 for a client key: the reference has that status for account resources, and none for client
        keys."""
        if self.client_id:
            raise ApiError(403, status=403)

    def client(self, store: Store, client_id: str) -> Client:
        """Return a client. Raises 401/102 when it is unknown or of another caller."""
        found = store.clients.get(client_id.lower())
        if found is None or self.client_id not in {"", found.id}:
            raise ApiError(102, status=401)
        return found

    def list(self, store: Store, list_id: str) -> MailingList:
        """Return a list. Raises 401/101 when it is unknown (the exact status is not public), 401/102 when it is of
        another caller."""
        found = store.lists.get(list_id.lower())
        if found is None:
            raise ApiError(101, status=401)
        if self.client_id not in {"", found.client_id}:
            raise ApiError(102, status=401)
        return found


@dataclass
class Call:
    """The arguments of a handler. ``parameters`` are those of the query, with lower-case names."""

    store: Store
    faults: Faults
    caller: Caller
    method: str
    path: str
    version: tuple[int, int]
    parameters: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def consent_required(self) -> bool:
        return self.version >= CONSENT_REQUIRED_SINCE

    @property
    def tells_joined_date(self) -> bool:
        return self.version >= JOINED_DATE_SINCE

    def moment(self, mailing_list: MailingList) -> str:
        """Return the present moment in the time zone of the list's client."""
        return self.store.clients[mailing_list.client_id].now()

    def flag(self, name: str) -> bool:
        """Read a boolean of the query, in any case."""
        return self.parameters.get(name, "").lower() in {"true", "1", "yes"}

    def object(self, parameter: str) -> dict[str, Any]:
        """Read the JSON object of the body; ``parameter`` is its name in the error."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise cannot_read(parameter) from error
        if not isinstance(value, dict):
            raise cannot_read(parameter)
        return value


@dataclass
class Body:
    """The properties of a request body by name, in any case. Wrong types refuse the request."""

    values: dict[str, Any]
    parameter: str

    @classmethod
    def of(cls, call: Call, parameter: str) -> "Body":
        return cls({name.lower(): value for name, value in call.object(parameter).items()}, parameter)

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name.lower())
        if value is None:
            return default
        if isinstance(value, bool | list | dict):
            raise cannot_read(self.parameter)
        return str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.values.get(name.lower())
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        raise cannot_read(self.parameter)

    def texts(self, name: str) -> list[str]:
        value = self.values.get(name.lower())
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise cannot_read(self.parameter)
        return value


@dataclass(frozen=True)
class Paging:
    """The requested page, its size and order."""

    page: int
    size: int
    order: str
    direction: str

    @classmethod
    def of(cls, call: Call, *orders: str) -> "Paging":
        """Read the page from the query. Raises errors 800 to 803. The default order is by date."""
        order = call.parameters.get("orderfield", "").lower() or "date"
        direction = call.parameters.get("orderdirection", "").lower() or "asc"
        if order not in orders:
            raise ApiError(802)
        if direction not in {"asc", "desc"}:
            raise ApiError(803)
        page = _number(call, "page", 1, code=800, least=1)
        size = _number(call, "pagesize", 1000, code=801, least=10, most=1000)
        return cls(page, size, order, direction)

    def envelope(self, found: Sequence[Any], show: Callable[[Any], Any]) -> Answer:
        """Build the answer with one page of ``found``, which is in ascending order; ``show`` converts its
        entries."""
        total, start = len(found), (self.page - 1) * self.size
        if self.direction == "asc":
            chosen = found[start : start + self.size]
        else:
            chosen = found[max(total - start - self.size, 0) : max(total - start, 0)][::-1]
        return Answer(
            value={
                "Results": [show(each) for each in chosen],
                "ResultsOrderedBy": self.order,
                "OrderDirection": self.direction,
                "PageNumber": self.page,
                "PageSize": self.size,
                "RecordsOnThisPage": len(chosen),
                "TotalNumberOfRecords": total,
                "NumberOfPages": -(-total // self.size),
            }
        )


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


def identify(store: Store, authorization: str) -> Caller:
    """Identify the caller. Raises 401 with the code of what is wrong."""
    scheme, _, credential = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return _by_token(store, credential.strip())
    if scheme.lower() == "basic":
        key = _user_name(credential)
        if key:
            return _by_key(store, key)
    raise ApiError(100, status=401)


def _user_name(credential: str) -> str:
    try:
        decoded = base64.b64decode(credential.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return decoded.partition(":")[0]


def _by_key(store: Store, key: str) -> Caller:
    if key == store.api_key:
        return Caller("account key")
    for client in store.clients.values():
        if key == client.api_key:
            return Caller("client key", client_id=client.id)
    raise ApiError(100, status=401)


def _by_token(store: Store, token: str) -> Caller:
    known = store.tokens.get(token)
    if known is None:
        raise ApiError(120, status=401)
    if known.revoked:
        raise ApiError(122, status=401)
    if known.expires_at <= time.time():
        raise ApiError(121, status=401)
    return Caller("token", scopes=None if known.scopes is None else frozenset(known.scopes))


def _number(call: Call, name: str, default: int, *, code: int, least: int, most: int = 2**31) -> int:
    text = call.parameters.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ApiError(code)
    return int(text)


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

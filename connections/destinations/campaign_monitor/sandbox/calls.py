"""Read a call: its caller, by an account key, a client key or an OAuth token, and its query and body."""

import base64
import binascii
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from connections.destinations.campaign_monitor.sandbox.answers import ApiError, cannot_read
from connections.destinations.campaign_monitor.sandbox.faults import Faults
from connections.destinations.campaign_monitor.sandbox.model import Client, MailingList
from connections.destinations.campaign_monitor.sandbox.store import Store

CONSENT_REQUIRED_SINCE = (3, 2)
JOINED_DATE_SINCE = (3, 3)


@dataclass(frozen=True)
class Caller:
    """Somebody with a good credential. ``client_id`` is set for a client's key: it reaches that client only."""

    kind: str  # account key, client key, token
    client_id: str = ""
    scopes: frozenset[str] | None = None  # None: everything

    def check_scope(self, *any_of: str) -> None:
        """Raise 401/60 unless the token has one of these scopes."""
        if self.scopes is not None and self.scopes.isdisjoint(any_of):
            raise ApiError(60, status=401)

    def check_account(self) -> None:
        """Raise 403 for a client's key: the reference has that status for account resources, and nothing of its
        own for client keys."""
        if self.client_id:
            raise ApiError(403, status=403)

    def client(self, store: Store, client_id: str) -> Client:
        """The client, or 401/102 when it is unknown or another's."""
        found = store.clients.get(client_id.lower())
        if found is None or self.client_id not in {"", found.id}:
            raise ApiError(102, status=401)
        return found

    def list(self, store: Store, list_id: str) -> MailingList:
        """The list; 401/101 when there is none (its exact status is not public), 401/102 when it is another's."""
        found = store.lists.get(list_id.lower())
        if found is None:
            raise ApiError(101, status=401)
        if self.client_id not in {"", found.client_id}:
            raise ApiError(102, status=401)
        return found


def identify(store: Store, authorization: str) -> Caller:
    """The caller, or 401 with the code that says what is wrong."""
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


@dataclass
class Call:
    """What a handler gets. ``parameters`` are those of the query, by their names in lower case."""

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
        """This moment in the time zone of the client that a list belongs to."""
        return self.store.clients[mailing_list.client_id].now()

    def flag(self, name: str) -> bool:
        """A yes or no of the query, in any case."""
        return self.parameters.get(name, "").lower() in {"true", "1", "yes"}

    def object(self, parameter: str) -> dict[str, Any]:
        """The JSON object in the body; ``parameter`` is what the refusal calls it."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise cannot_read(parameter) from error
        if not isinstance(value, dict):
            raise cannot_read(parameter)
        return value


@dataclass
class Body:
    """The body of a write: its properties by name, in any case, each bound to a type or refused as a whole."""

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

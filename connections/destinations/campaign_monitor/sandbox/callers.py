"""Who is calling, by the Authorization header: an account's key, a client's key, or an OAuth token."""

import base64
import binascii
import time
from dataclasses import dataclass

from connections.destinations.campaign_monitor.sandbox.answers import ApiError
from connections.destinations.campaign_monitor.sandbox.model import Client, MailingList
from connections.destinations.campaign_monitor.sandbox.store import Store


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

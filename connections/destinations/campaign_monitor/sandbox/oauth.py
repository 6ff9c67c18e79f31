"""Grant OAuth 2 codes and tokens. The consent page is in pages/views.py.

A code lives ten minutes, in memory; authorizations and tokens are stored. Settings (lifetime of tokens, rotation
of refresh tokens) live in memory: a restart resets them.
"""

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from connections.destinations.campaign_monitor.sandbox import model
from connections.destinations.campaign_monitor.sandbox.http_messages import Answer, Request
from connections.destinations.campaign_monitor.sandbox.model import Authorization, Token
from connections.destinations.campaign_monitor.sandbox.store import Change, Store

AUTHORIZE_PATH = "/oauth"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
FOURTEEN_DAYS = 1_209_600
CODE_SECONDS = 600
SCOPES = (
    *("ViewReports", "ManageLists", "CreateCampaigns", "ImportSubscribers", "SendCampaigns"),
    *("ViewSubscribersInReports", "ManageTemplates", "AdministerPersons", "AdministerAccount"),
    *("ViewTransactional", "SendTransactional", "Automation"),
)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Code:
    """A code for ``redirect_uri`` that can be exchanged once."""

    redirect_uri: str
    scopes: list[str]
    expires_at: float


@dataclass
class OAuthState:
    """The open codes, the settings, and counts of granted tokens."""

    lifetime_seconds: float = FOURTEEN_DAYS
    rotates: bool = False
    error_status: int = 200  # what a refusal's status is, which the vendor does not tell
    redirect_uris: list[str] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    exchanges: int = 0
    refreshes: int = 0
    refusals: int = 0

    def clear(self) -> None:
        """Reset everything."""
        self.__init__()  # type: ignore[misc]

    def may_return_to(self, uri: str) -> bool:
        """Tell whether an answer may be sent to an address: a registered one, or one of this machine."""
        parts = urlsplit(uri)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return False
        return parts.hostname in _LOOPBACK or any(uri.startswith(each) for each in self.redirect_uris)

    def new_code(self, redirect_uri: str, scopes: list[str]) -> str:
        """Create a code after the owner has agreed."""
        code = uuid4().hex
        self.codes[code] = Code(redirect_uri, scopes, time.time() + CODE_SECONDS)
        return code


class _Refused(Exception):
    """Refuse a request with an OAuth error and its description."""

    def __init__(self, description: str, error: str = "invalid_grant") -> None:
        super().__init__(description)
        self.error, self.description = error, description


def token(store: Store, oauth_state: OAuthState, request: Request) -> Answer:
    """Answer POST /oauth/token: exchange a code for tokens, or a refresh token for new ones. The Authorization
    header is ignored, because clients send the stale token along."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    try:
        with store.change() as change:
            match form.get("grant_type"):
                case "authorization_code":
                    return _exchange(store, oauth_state, change, form)
                case "refresh_token":
                    return _refresh(store, oauth_state, change, form)
                case _:
                    raise _Refused("The grant_type is not known", "unsupported_grant_type")
    except _Refused as refused:
        oauth_state.refusals += 1
        content = {"error": refused.error, "error_description": refused.description}
        return Answer(oauth_state.error_status, content)


def authorize(store: Store, oauth_state: OAuthState, change: Change, scopes: list[str] | None) -> dict[str, Any]:
    """Create an authorization with its first token, and return the vendor's answer."""
    authorization = Authorization(refresh_token=uuid4().hex, scopes=scopes)
    store.authorizations[authorization.refresh_token] = authorization
    return _issue_token(store, oauth_state, change, authorization)


def revoke(store: Store) -> int:
    """Revoke all authorizations and tokens. Returns the number of tokens."""
    with store.change() as change:
        for authorization in store.authorizations.values():
            authorization.revoked = True
            change.authorization(authorization)
        for each in store.tokens.values():
            each.revoked = True
            change.token(each)
        return len(store.tokens)


def expire(store: Store) -> int:
    """Expire all access tokens now; refresh tokens stay valid. Returns the number of tokens."""
    with store.change() as change:
        for each in store.tokens.values():
            each.expires_at = min(each.expires_at, time.time() - 1)
            change.token(each)
        return len(store.tokens)


def _exchange(store: Store, oauth_state: OAuthState, change: Change, form: dict[str, str]) -> Answer:
    if (form.get("client_id"), form.get("client_secret")) != (
        str(model.OAUTH_CLIENT_ID),
        model.OAUTH_CLIENT_SECRET,
    ):
        raise _Refused("The client_id or the client_secret is wrong", "invalid_client")
    code = oauth_state.codes.pop(form.get("code", ""), None)
    if code is None or code.expires_at < time.time():
        raise _Refused("The specified 'code' was invalid or expired")
    if code.redirect_uri != form.get("redirect_uri"):
        raise _Refused("The redirect_uri is not the one that the code was given to")
    oauth_state.exchanges += 1
    return Answer(200, authorize(store, oauth_state, change, code.scopes))


def _refresh(store: Store, oauth_state: OAuthState, change: Change, form: dict[str, str]) -> Answer:
    authorization = store.authorizations.get(form.get("refresh_token", ""))
    if authorization is None or authorization.revoked:
        raise _Refused("The specified 'refresh_token' was invalid or expired")
    if oauth_state.rotates:
        del store.authorizations[authorization.refresh_token]
        change.authorization_gone(authorization)
        authorization = Authorization(refresh_token=uuid4().hex, scopes=authorization.scopes)
        store.authorizations[authorization.refresh_token] = authorization
    oauth_state.refreshes += 1
    return Answer(200, _issue_token(store, oauth_state, change, authorization))


def _issue_token(
    store: Store, oauth_state: OAuthState, change: Change, authorization: Authorization
) -> dict[str, Any]:
    lifetime = oauth_state.lifetime_seconds
    made = Token(token=uuid4().hex, expires_at=time.time() + lifetime, scopes=authorization.scopes)
    store.tokens[made.token] = made
    change.authorization(authorization)
    change.token(made)
    return {
        "access_token": made.token,
        "expires_in": int(lifetime) if lifetime == int(lifetime) else lifetime,
        "refresh_token": authorization.refresh_token,
    }

"""OAuth 2: who may ask, codes and tokens. The page where somebody agrees is in pages/consent.py.

A code lives ten minutes, in this process; authorizations and tokens are kept like everything else. The switches
(how long tokens last, whether a refresh gives another refresh token) live in this process: a restart ends them.
"""

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from connections.destinations.campaign_monitor.sandbox import defaults
from connections.destinations.campaign_monitor.sandbox.answers import Answer
from connections.destinations.campaign_monitor.sandbox.http_messages import Request
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
    """A code that was given to ``redirect_uri`` and can be exchanged once."""

    redirect_uri: str
    scopes: list[str]
    expires_at: float


@dataclass
class Authorizing:
    """Codes that wait, switches, and how often tokens were given."""

    lifetime_seconds: float = FOURTEEN_DAYS
    rotates: bool = False
    error_status: int = 200  # what a refusal's status is, which the vendor does not tell
    redirect_uris: list[str] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    exchanges: int = 0
    refreshes: int = 0
    refusals: int = 0

    def clear(self) -> None:
        """As on the first day."""
        self.__init__()  # type: ignore[misc]

    def may_return_to(self, uri: str) -> bool:
        """Whether an answer may go there: to a registered address, or to this machine itself."""
        parts = urlsplit(uri)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return False
        return parts.hostname in _LOOPBACK or any(uri.startswith(each) for each in self.redirect_uris)

    def new_code(self, redirect_uri: str, scopes: list[str]) -> str:
        """Somebody has agreed."""
        code = uuid4().hex
        self.codes[code] = Code(redirect_uri, scopes, time.time() + CODE_SECONDS)
        return code


class _Refused(Exception):
    """The answer is no; says which error, and why."""

    def __init__(self, description: str, error: str = "invalid_grant") -> None:
        super().__init__(description)
        self.error, self.description = error, description


def token(store: Store, authorizing: Authorizing, request: Request) -> Answer:
    """POST /oauth/token: a code for tokens, or a refresh token for fresh ones. An Authorization header is not
    looked at: clients send the stale one along."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    try:
        with store.change() as change:
            match form.get("grant_type"):
                case "authorization_code":
                    return _exchange(store, authorizing, change, form)
                case "refresh_token":
                    return _refresh(store, authorizing, change, form)
                case _:
                    raise _Refused("The grant_type is not known", "unsupported_grant_type")
    except _Refused as refused:
        authorizing.refusals += 1
        content = {"error": refused.error, "error_description": refused.description}
        return Answer(authorizing.error_status, content)


def authorize(store: Store, authorizing: Authorizing, change: Change, scopes: list[str] | None) -> dict[str, Any]:
    """A new authorization with its first token, as the vendor answers it."""
    authorization = Authorization(refresh_token=uuid4().hex, scopes=scopes)
    store.authorizations[authorization.refresh_token] = authorization
    return _give(store, authorizing, change, authorization)


def revoke(store: Store) -> int:
    """Take back everything that was granted; how many tokens that were."""
    with store.change() as change:
        for authorization in store.authorizations.values():
            authorization.revoked = True
            change.authorization(authorization)
        for each in store.tokens.values():
            each.revoked = True
            change.token(each)
        return len(store.tokens)


def expire(store: Store) -> int:
    """Let every access token expire at this moment; refresh tokens stay good."""
    with store.change() as change:
        for each in store.tokens.values():
            each.expires_at = min(each.expires_at, time.time() - 1)
            change.token(each)
        return len(store.tokens)


def _exchange(store: Store, authorizing: Authorizing, change: Change, form: dict[str, str]) -> Answer:
    if (form.get("client_id"), form.get("client_secret")) != (
        str(defaults.OAUTH_CLIENT_ID),
        defaults.OAUTH_CLIENT_SECRET,
    ):
        raise _Refused("The client_id or the client_secret is wrong", "invalid_client")
    code = authorizing.codes.pop(form.get("code", ""), None)
    if code is None or code.expires_at < time.time():
        raise _Refused("The specified 'code' was invalid or expired")
    if code.redirect_uri != form.get("redirect_uri"):
        raise _Refused("The redirect_uri is not the one that the code was given to")
    authorizing.exchanges += 1
    return Answer(200, authorize(store, authorizing, change, code.scopes))


def _refresh(store: Store, authorizing: Authorizing, change: Change, form: dict[str, str]) -> Answer:
    authorization = store.authorizations.get(form.get("refresh_token", ""))
    if authorization is None or authorization.revoked:
        raise _Refused("The specified 'refresh_token' was invalid or expired")
    if authorizing.rotates:
        del store.authorizations[authorization.refresh_token]
        change.authorization_gone(authorization)
        authorization = Authorization(refresh_token=uuid4().hex, scopes=authorization.scopes)
        store.authorizations[authorization.refresh_token] = authorization
    authorizing.refreshes += 1
    return Answer(200, _give(store, authorizing, change, authorization))


def _give(store: Store, authorizing: Authorizing, change: Change, authorization: Authorization) -> dict[str, Any]:
    lifetime = authorizing.lifetime_seconds
    made = Token(token=uuid4().hex, expires_at=time.time() + lifetime, scopes=authorization.scopes)
    store.tokens[made.token] = made
    change.authorization(authorization)
    change.token(made)
    return {
        "access_token": made.token,
        "expires_in": int(lifetime) if lifetime == int(lifetime) else lifetime,
        "refresh_token": authorization.refresh_token,
    }

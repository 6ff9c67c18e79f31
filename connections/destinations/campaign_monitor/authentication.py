"""Authenticate with Campaign Monitor: OAuth 2 without PKCE, and the step-by-step check of a connection.

Tokens last 14 days. The vendor does not document whether a refresh returns another refresh token, nor the status
of a refusal; so any returned token is stored, and the body of the response decides.

Vendor documentation: https://www.campaignmonitor.com/api/v3-3/getting-started/ (“Authenticating with OAuth”).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import orjson
import requests
from django.conf import settings as django_settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connections.destinations.base import OAuth
from connections.destinations.campaign_monitor import error_codes
from connections.destinations.campaign_monitor.client import CONNECT_SECONDS, LOOPBACK, Client
from connections.destinations.campaign_monitor.wire import NamedId
from connections.destinations.errors import DestinationError, NeedsAdministrator, PermanentError, TryLater
from connections.destinations.values import CheckStep, Tokens

AUTHORIZE_PATH = "/oauth"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
READ_SECONDS = 30
# What an export needs: to read lists and their fields, to import, and to look people up.
SCOPES = ("ImportSubscribers", "ManageLists", "ViewReports", "ViewSubscribersInReports")
# The sandbox's own application, which is public; used in the demo when no other is set.
SANDBOX_CLIENT = ("100001", "sandbox-secret")
CLIENT_ID = "client_id"
KEY_KIND = "key_kind"  # account or client
ACCOUNT_NAME = "account_name"


class CampaignMonitorOAuth(OAuth):
    """OAuth sign-in, by which the owner of an account grants access without a key."""

    def is_configured(self, base_url: str) -> bool:
        return all(_application(base_url))

    def how_to_configure(self, redirect_uri: str) -> str:
        return _(
            "Register an application in Campaign Monitor (Integrations, OAuth Registration) with the "
            "redirect URI {uri}. Then set CAMPAIGN_MONITOR_OAUTH_CLIENT_ID and "
            "CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET and restart this installation."
        ).format(uri=redirect_uri)

    def authorize_url(self, base_url: str, *, redirect_uri: str, state: str) -> str:
        query = {
            "type": "web_server",
            "client_id": _application(base_url)[0],
            "redirect_uri": redirect_uri,
            "scope": ",".join(SCOPES),
            "state": state,
        }
        return f"{base_url.rstrip('/')}{AUTHORIZE_PATH}?{urlencode(query)}"

    def exchange(self, base_url: str, *, redirect_uri: str, code: str) -> Tokens:
        client_id, client_secret = _application(base_url)
        form = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "client_secret": client_secret,
            "redirect_uri": redirect_uri,
            "code": code,
        }
        return read_tokens(*_post(base_url, form))

    def refresh(self, base_url: str, refresh_token: str) -> Tokens:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return read_tokens(*_post(base_url, form), refresh_token=refresh_token)


def check_connection(client: Client, options: Mapping[str, str], *, by_token: bool = False) -> Sequence[CheckStep]:
    """Check a connection step by step, with a key or ``by_token``; each step needs the one before it. ``options``
    may contain the client ID that a client key needs."""
    steps = _Steps(by_token)
    if _check_key(client, steps):
        owners = _check_kind(client, options, steps)
        if owners is not None:
            _check_lists(client, owners, steps)
    return steps.all()


def read_tokens(status: int, body: bytes, refresh_token: str = "") -> Tokens:
    """Read the tokens in a response. Raises NeedsAdministrator for a refusal, TryLater for an unreadable
    response."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise TryLater(str(error_codes.UNREADABLE), code="unreadable", http_status=status)
    if status == error_codes.THROTTLED or status >= 500:
        raise TryLater(str(error_codes.BROKEN), code=str(status), http_status=status)
    if error := str(content.get("error") or content.get("Code") or ""):
        raise NeedsAdministrator(_sentence(error), code=error, http_status=status)
    try:
        return Tokens(
            access_token=str(content["access_token"]),
            refresh_token=str(content.get("refresh_token") or refresh_token),
            seconds=float(content["expires_in"]),
        )
    except (KeyError, TypeError, ValueError):
        raise TryLater(str(error_codes.UNREADABLE), code="unreadable", http_status=status) from None


def _sentence(error: str) -> str:
    if error == "invalid_client":
        return _(
            "Campaign Monitor does not recognize this application. Check "
            "CAMPAIGN_MONITOR_OAUTH_CLIENT_ID and CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET."
        )
    return _(
        "Campaign Monitor no longer accepts the authorization of this connection ({error}). "
        "An administrator has to authenticate with Campaign Monitor again."
    ).format(error=error)


def _application(base_url: str) -> tuple[str, str]:
    """Return the OAuth client ID and secret of this installation; empty where none is set."""
    client_id = str(django_settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_ID)
    if not client_id and django_settings.DEMO and base_url == django_settings.CAMPAIGN_MONITOR_SANDBOX_URL:
        return SANDBOX_CLIENT
    return client_id, str(django_settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET)


def _post(base_url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
    host = urlsplit(base_url).hostname or base_url
    with requests.Session() as session:
        session.trust_env = host not in LOOPBACK
        try:
            response = session.post(
                base_url.rstrip("/") + TOKEN_PATH,
                data=dict(form),
                headers={"Accept": "application/json"},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException:  # what requests says may hold the whole request
            raise TryLater(error_codes.UNREACHABLE.format(host=host), code="unreachable") from None
        return response.status_code, response.content


@dataclass
class _Steps:
    """The steps of a check so far."""

    by_token: bool = False
    steps: list[CheckStep] = field(default_factory=list)

    def add(self, key: str, ok: bool | None, detail: str = "", asks_for: str = "", **learned: str) -> bool:
        self.steps.append(CheckStep(key, self.label(key), ok, detail, asks_for, learned))
        return bool(ok)

    def label(self, key: str) -> str:
        return {
            "reachable": _("Campaign Monitor is reachable"),
            "key": _("The authorization is accepted") if self.by_token else _("The API key is accepted"),
            "kind": _("Client access") if self.by_token else _("Key type"),
            "lists": _("List access"),
        }[key]

    def all(self) -> Sequence[CheckStep]:
        """Return all steps, also those that were not reached."""
        reached = {step.key for step in self.steps}
        rest = [
            CheckStep(key, self.label(key), None)
            for key in ("reachable", "key", "kind", "lists")
            if key not in reached
        ]
        return [*self.steps, *rest]


def _check_key(client: Client, steps: _Steps) -> bool:
    """Check the first two steps by one call: any response means reachable."""
    try:
        client.system_date()
    except TryLater as error:
        return steps.add("reachable", False, error.sentence)
    except DestinationError as error:
        steps.add("reachable", True)
        return steps.add("key", False, error.sentence)
    steps.add("reachable", True)
    return steps.add("key", True)


def _check_kind(client: Client, options: Mapping[str, str], steps: _Steps) -> Sequence[NamedId] | None:
    """Find out whether the key belongs to an account or a client: a client key may not list the clients. Returns
    the clients, or None to stop."""
    try:
        owners = client.clients()
    except (NeedsAdministrator, PermanentError):
        return _client_key(client, options.get(CLIENT_ID, ""), steps)
    except DestinationError as error:
        steps.add("kind", False, error.sentence)
        return None
    names = _("{first} and others").format(first=owners[0].name) if len(owners) > 1 else ""
    name = names or (owners[0].name if owners else "")
    detail = ngettext("Account key: {n} client available.", "Account key: {n} clients available.", len(owners))
    if steps.by_token:
        detail = ngettext("{n} client available.", "{n} clients available.", len(owners))
    steps.add(
        "kind", True, detail.format(n=len(owners)), **{KEY_KIND: "account", ACCOUNT_NAME: name, CLIENT_ID: ""}
    )
    return owners


def _client_key(client: Client, client_id: str, steps: _Steps) -> Sequence[NamedId] | None:
    if not client_id:
        detail = _("This is a client key. Enter the client ID as well.")
        steps.add("kind", None, detail, CLIENT_ID, **{KEY_KIND: "client"})
        return None
    try:
        name = client.client_name(client_id)
    except TryLater as error:
        steps.add("kind", False, error.sentence)
        return None
    except DestinationError:  # some keys may read the lists and not the client's details: the lists decide
        name = ""
    detail = _("Client key of {client}.").format(client=name or client_id)
    steps.add("kind", True, detail, **{KEY_KIND: "client", CLIENT_ID: client_id, ACCOUNT_NAME: name})
    return [NamedId(client_id, name)]


def _check_lists(client: Client, owners: Sequence[NamedId], steps: _Steps) -> None:
    """Check the last step with the first client, because an account may have hundreds."""
    if not owners:
        steps.add(
            "lists", False, _("The account has no clients yet. Add one in Campaign Monitor, then try again.")
        )
        return
    try:
        count = len(client.lists(owners[0].id))
    except TryLater as error:
        steps.add("lists", False, error.sentence)
    except DestinationError as error:
        steps.add("lists", False, _lists_refusal(error), _client_id_to_ask(steps))
    else:
        detail = ngettext("{client} has {n} list.", "{client} has {n} lists.", count)
        steps.add("lists", True, detail.format(client=owners[0].name or owners[0].id, n=count))


def _lists_refusal(error: DestinationError) -> str:
    if isinstance(error, PermanentError):
        return _("The key has no access to the lists of this client. Check the client ID.")
    return error.sentence


def _client_id_to_ask(steps: _Steps) -> str:
    """Return the input to ask for again when a client key came with the wrong client ID."""
    return CLIENT_ID if any(step.learned.get(KEY_KIND) == "client" for step in steps.steps) else ""

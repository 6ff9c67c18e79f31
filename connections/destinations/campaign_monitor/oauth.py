"""Signing in at Campaign Monitor: OAuth 2 without PKCE. The code comes by the browser, tokens by a call of ours.

Tokens last fourteen days. Nothing published says whether a refresh gives another refresh token, nor with which
status a refusal comes; so whatever comes back is kept, and the body decides.

Vendor documentation: https://www.campaignmonitor.com/api/v3-3/getting-started/ (“Authenticating with OAuth”).
"""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import orjson
import requests
from django.conf import settings as django_settings
from django.utils.translation import gettext as _

from connections.destinations.base import OAuth
from connections.destinations.campaign_monitor import error_codes
from connections.destinations.campaign_monitor.client import CONNECT_SECONDS, LOOPBACK
from connections.destinations.errors import NeedsAdministrator, TryLater
from connections.destinations.values import Tokens

AUTHORIZE_PATH = "/oauth"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
READ_SECONDS = 30
# What an export needs: to read lists and their fields, to import, and to look people up.
SCOPES = ("ImportSubscribers", "ManageLists", "ViewSubscribersInReports")
# The sandbox's own application, known to everybody; used in the demo when no other is set.
SANDBOX_CLIENT = ("100001", "sandbox-secret")


class CampaignMonitorOAuth(OAuth):
    """Lets an account's owner grant access without showing us a key."""

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


def read_tokens(status: int, body: bytes, refresh_token: str = "") -> Tokens:
    """The tokens in an answer. Raises NeedsAdministrator for a refusal, TryLater for what is no answer."""
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
    """The id and secret that we ask with; empty where none is set."""
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

"""Call the API of Campaign Monitor (api.createsend.com): HTTP only, one method per endpoint.

Limits: 1,000 rows per import; an import answers when every row is applied, which may take more than ten seconds,
so reads wait up to two minutes (CAMPAIGN_MONITOR_READ_SECONDS); API keys go as the user name of HTTP Basic, OAuth
tokens as Bearer; TLS 1.2. No rate limit is documented for these endpoints, and 429 occurs all the same.

Vendor documentation: https://www.campaignmonitor.com/api/v3-3/getting-started/ (authentication, errors),
…/account/ (clients, countries, system date), …/clients/, …/lists/, …/subscribers/ (“Importing many subscribers”).

Methods return plain values or raise errors of ``connections.destinations.errors``; no type of the HTTP library
leaves this module. A client serves one thread at a time over a kept-alive connection.
"""

import base64
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import requests
from django.conf import settings
from requests.auth import AuthBase
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from connections.destinations.campaign_monitor import error_codes, webhooks, wire
from connections.destinations.campaign_monitor.client_time import SystemClock
from connections.destinations.campaign_monitor.responses import Answer
from connections.destinations.errors import TryLater
from connections.destinations.subscribers import RegisteredWebhook, SubscriberPage
from connections.destinations.values import (
    BatchReceipt,
    CallObserver,
    NewField,
    Renew,
    SendGuard,
    TargetField,
    no_guard,
    unobserved,
)

PATH = "/api/v3.3"
_PARALLEL_CALLS = 5
ResultT = TypeVar("ResultT")
CONNECT_SECONDS = 10
# How often a call asks for a new token.
_RENEWALS = 2
# Bytes of an answer at most; the largest that is known, a thousand refused people, has less than one million.
_LARGEST_ANSWER = 32 * 1024 * 1024
_CHUNK = 64 * 1024
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class _Key(AuthBase):
    """HTTP Basic with the key as user name; an object, so that no netrc file replaces it and no repr shows it."""

    def __init__(self, api_key: str) -> None:
        self._header = f"Basic {base64.b64encode(f'{api_key}:x'.encode()).decode()}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class _Token(AuthBase):
    """A bearer token, which may be replaced between calls."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Client:
    """A kept-alive connection to an account, opened by an API key or an OAuth ``token``. When a token is refused,
    ``renew`` is asked for another one and the call is repeated. ``check_may_send`` is called before each request
    and may raise. ``observe`` is told the status and the seconds of each."""

    def __init__(
        self,
        base_url: str,
        api_key: str = "",
        *,
        token: str = "",
        renew: Renew | None = None,
        check_may_send: SendGuard = no_guard,
        observe: CallObserver = unobserved,
    ) -> None:
        self._observe = observe
        self._renew = renew
        self._check_may_send = check_may_send
        self._root = base_url.rstrip("/") + PATH
        self._host = urlsplit(base_url).hostname or base_url
        self._session = requests.Session()
        self._token = _Token(token) if token else None
        self._session.auth = self._token or _Key(api_key)
        self._session.headers["Accept"] = "application/json"
        # A proxy that the environment names is for the world outside, not for a sandbox on this machine.
        self._session.trust_env = self._host not in LOOPBACK

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def system_date(self) -> str:
        """GET /systemdate: the cheapest call that needs a valid key."""
        return wire.read_system_date(self._get("/systemdate.json"))

    def system_clock(self) -> SystemClock:
        """GET /systemdate, with the moment of the response."""
        return wire.read_system_clock(self._get("/systemdate.json"))

    def clients(self) -> list[wire.NamedId]:
        """GET /clients: refused to a client key."""
        return wire.read_clients(self._get("/clients.json"))

    def client_name(self, client_id: str) -> str:
        """GET /clients/{id}: its name."""
        return wire.read_client_name(self._get(f"/clients/{_part(client_id)}.json"))

    def client_time_zone(self, client_id: str) -> str:
        """GET /clients/{id}: the name of its time zone."""
        return wire.read_client_time_zone(self._get(f"/clients/{_part(client_id)}.json"))

    def countries(self) -> list[str]:
        """GET /countries."""
        return wire.read_countries(self._get("/countries.json"))

    def lists(self, client_id: str) -> list[wire.NamedId]:
        """GET /clients/{id}/lists: all of them, unpaged."""
        return wire.read_lists(self._get(f"/clients/{_part(client_id)}/lists.json"))

    def list_settings(self, list_id: str) -> wire.ListSettings:
        """GET /lists/{id}."""
        return wire.read_list(self._get(f"/lists/{_part(list_id)}.json"))

    def active_people(self, list_id: str) -> int:
        """GET /lists/{id}/stats: the number of active subscribers."""
        return wire.read_active_people(self._get(f"/lists/{_part(list_id)}/stats.json"))

    def custom_fields(self, list_id: str) -> list[TargetField]:
        """GET /lists/{id}/customfields."""
        return wire.read_custom_fields(self._get(f"/lists/{_part(list_id)}/customfields.json"))

    def create_custom_field(self, list_id: str, field: NewField) -> str:
        """POST /lists/{id}/customfields; returns the key of the new field."""
        body = wire.custom_field_body(field)
        return wire.read_new_field(self._call("POST", f"/lists/{_part(list_id)}/customfields.json", body))

    def add_field_options(self, list_id: str, key: str, options: Sequence[str]) -> None:
        """PUT /lists/{id}/customfields/{key}/options, keeping the present options."""
        path = f"/lists/{_part(list_id)}/customfields/{_part(key)}/options.json"
        wire.read_changed_field(self._call("PUT", path, wire.options_body(options)))

    def import_subscribers(
        self,
        list_id: str,
        payloads: Sequence[str],
        *,
        resubscribe: bool = False,
        starts_automations: bool = False,
        restarts_automations: bool = False,
    ) -> BatchReceipt:
        """POST /subscribers/{list}/import with contacts that are JSON already. Contacts that are not in the
        refusals of the receipt were accepted."""
        body = wire.import_body(
            payloads,
            resubscribe=resubscribe,
            starts_automations=starts_automations,
            restarts_automations=restarts_automations,
        )
        answer = self._call("POST", f"/subscribers/{_part(list_id)}/import.json", body)
        return wire.read_import(answer, bytes_sent=len(body), rows=len(payloads))

    def delete_subscriber(self, list_id: str, email: str) -> bool:
        """DELETE /subscribers/{list}: the record stays, in state Deleted. False when the list does not hold the
        address."""
        return wire.read_removal(self._call("DELETE", _one(list_id, email), None))

    def unsubscribe(self, list_id: str, email: str) -> bool:
        """POST /subscribers/{list}/unsubscribe. False when the list does not hold the address."""
        path = f"/subscribers/{_part(list_id)}/unsubscribe.json"
        return wire.read_removal(self._call("POST", path, wire.address_body(email)))

    def subscriber(self, list_id: str, email: str) -> wire.Subscriber | None:
        """GET /subscribers/{list}: a subscriber in any state; None when the list never held the address."""
        return wire.read_subscriber(self._call("GET", _one(list_id, email), None))

    def latest_active(self, list_id: str, since: str, page: int) -> list[wire.ActiveSince]:
        """GET /lists/{id}/active: a page of the subscribers that became active at a moment or later, the latest
        first."""
        query = f"date={_part(since)}&page={page}&pagesize=1000&orderfield=date&orderdirection=desc"
        return wire.read_active_since(self._get(f"/lists/{_part(list_id)}/active.json?{query}"))

    def subscribers(
        self, list_id: str, state: str, page: int, *, since: str = "", fields: Sequence[str] = ()
    ) -> SubscriberPage:
        """GET /lists/{id}/{state}: a page of the subscribers in a state, in the order of addresses; with ``since``
        those that came into it on that day or later, the latest first."""
        order = "orderfield=date&orderdirection=desc" if since else "orderfield=email&orderdirection=asc"
        query = f"date={_part(since)}&page={page}&pagesize=1000&{order}"
        return wire.read_subscribers(self._get(f"/lists/{_part(list_id)}/{_part(state)}.json?{query}"), fields)

    def webhooks(self, list_id: str) -> list[RegisteredWebhook]:
        """GET /lists/{id}/webhooks."""
        return webhooks.read_webhooks(self._get(f"/lists/{_part(list_id)}/webhooks.json"))

    def create_webhook(self, list_id: str, address: str) -> str:
        """POST /lists/{id}/webhooks; returns the ID."""
        path = f"/lists/{_part(list_id)}/webhooks.json"
        return webhooks.read_new_webhook(self._call("POST", path, webhooks.webhook_body(address)))

    def activate_webhook(self, list_id: str, webhook_id: str) -> None:
        """PUT /lists/{id}/webhooks/{webhook}/activate."""
        path = f"/lists/{_part(list_id)}/webhooks/{_part(webhook_id)}/activate.json"
        webhooks.read_done(self._call("PUT", path, b""))

    def delete_webhook(self, list_id: str, webhook_id: str) -> None:
        """DELETE /lists/{id}/webhooks/{webhook}; nothing when it is gone."""
        path = f"/lists/{_part(list_id)}/webhooks/{_part(webhook_id)}.json"
        webhooks.read_done(self._call("DELETE", path, None), may_be_gone=True)

    def campaigns(self, client_id: str, since: str, page: int) -> Answer:
        """GET /clients/{id}/campaigns: a page of those that were sent on that day or later, the latest first."""
        query = f"sentfromdate={_part(since)}&page={page}&pagesize=1000&orderdirection=desc"
        return self._get(f"/clients/{_part(client_id)}/campaigns.json?{query}")

    def campaign_lists(self, campaign_id: str) -> Answer:
        """GET /campaigns/{id}/listsandsegments."""
        return self._get(f"/campaigns/{_part(campaign_id)}/listsandsegments.json")

    def campaign_summary(self, campaign_id: str) -> Answer:
        """GET /campaigns/{id}/summary."""
        return self._get(f"/campaigns/{_part(campaign_id)}/summary.json")

    def _get(self, path: str) -> Answer:
        return self._call("GET", path, None)

    def _call(self, method: str, path: str, body: bytes | None) -> Answer:
        """Make a call, and repeat it with a new token when its token is refused. A new token may expire while its
        first call waits in a queue, so it is renewed a second time."""
        answer = self._call_once(method, path, body)
        for _renewal in range(_RENEWALS):
            if not self._has_better_token(answer):
                break
            answer = self._call_once(method, path, body)
        return answer

    def _has_better_token(self, answer: Answer) -> bool:
        """Renew a refused token, and tell whether there is another one now. A refused call had no effect, so it
        may be repeated."""
        if self._token is None or self._renew is None or answer.status != error_codes.UNAUTHORIZED:
            return False
        code = wire.code_of(answer)
        if code not in error_codes.TOKEN_REFUSED:
            return False
        refused = self._token.token
        self._token.token = self._renew(refused, code == error_codes.TOKEN_EXPIRED)
        return self._token.token != refused

    def _call_once(self, method: str, path: str, body: bytes | None) -> Answer:
        headers = {"Content-Type": "application/json; charset=utf-8"} if body is not None else None
        self._check_may_send()
        started = time.monotonic()
        try:
            response = self._session.request(
                method,
                self._root + path,
                data=body,
                headers=headers,
                timeout=(CONNECT_SECONDS, settings.CAMPAIGN_MONITOR_READ_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            content = _bounded(response)
        except requests.RequestException as error:
            self._observe(None, time.monotonic() - started)
            raise _later(error, self._host) from None  # what requests says may hold the whole request
        seconds = time.monotonic() - started
        self._observe(response.status_code, seconds)
        return Answer(
            status=response.status_code,
            body=content,
            headers={name.lower(): value for name, value in response.headers.items()},
            seconds=seconds,
        )


def _bounded(response: requests.Response) -> bytes:
    """Read the body of a response, decompressed. Raises TryLater when it is larger than _LARGEST_ANSWER."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(_CHUNK):
        size += len(part)
        if size > _LARGEST_ANSWER:
            response.close()
            raise TryLater(str(error_codes.UNREADABLE), code="unreadable", http_status=response.status_code)
        parts.append(part)
    return b"".join(parts)


def _later(error: requests.RequestException, host: str) -> TryLater:
    """Return the error of a call without a response, by the error of urllib3 inside."""
    inner = error.args[0] if error.args else None
    if isinstance(error, requests.ReadTimeout) or isinstance(inner, ReadTimeoutError):
        return TryLater(str(error_codes.SLOW), code="timeout")
    if isinstance(error, requests.exceptions.ContentDecodingError) or isinstance(inner, ProtocolError):
        return TryLater(str(error_codes.UNREADABLE), code="cut_short")
    return TryLater(error_codes.UNREACHABLE.format(host=host), code="unreachable")


def _one(list_id: str, email: str) -> str:
    return f"/subscribers/{_part(list_id)}.json?email={_part(email)}"


def _part(identifier: str) -> str:
    """Quote an ID as one part of a path."""
    return quote(identifier.strip(), safe="")


class ParallelCalls(AbstractContextManager["ParallelCalls", None]):
    """Make several calls to one account at once, each over a client of its own that ``open_client`` opens; leaving
    the block waits for all of them."""

    def __init__(self, open_client: Callable[[], Client]) -> None:
        self._open_client = open_client
        self._executor = ThreadPoolExecutor(_PARALLEL_CALLS, thread_name_prefix="ask")

    def submit(self, call: Callable[[Client], ResultT]) -> "Future[ResultT]":
        """Make a call in a thread. The future raises what ``call`` raises, in the caller's language."""
        return self._executor.submit(copy_context().run, self._run, call)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()

    def _run(self, call: Callable[[Client], ResultT]) -> ResultT:
        with self._open_client() as client:
            return call(client)

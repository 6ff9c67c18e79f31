"""Handle the control endpoints under ``/_sandbox/`` for tests, drills and benchmarks: JSON without a key, from
this machine only unless started with ``--open-doors``."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson

from connections.destinations.campaign_monitor.sandbox import oauth
from connections.destinations.campaign_monitor.sandbox.api.subscribers import suppress, unsubscribe_subscribers
from connections.destinations.campaign_monitor.sandbox.campaigns import COUNTS, Campaign
from connections.destinations.campaign_monitor.sandbox.faults import BadFaults, Rule
from connections.destinations.campaign_monitor.sandbox.http_messages import Reply, Request
from connections.destinations.campaign_monitor.sandbox.model import (
    STATES,
    TIME_ZONES,
    UNSUBSCRIBED,
    MailingList,
    Subscriber,
    Token,
    clock,
    key_of,
    now,
)
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox
from connections.destinations.campaign_monitor.sandbox.store import Change
from connections.destinations.campaign_monitor.sandbox.webhook_calls import WebhookFaults

PREFIX = "/_sandbox/"


class BadRequest(Exception):
    """Refuse a request; the message says why."""


def handle_control_request(sandbox: Sandbox, request: Request) -> Reply:
    """Answer a request to a control endpoint."""
    if not (request.local or sandbox.open_doors):
        return _reply(403, {"error": "The control endpoints of the sandbox answer only this machine."})
    name, _, rest = request.path.removeprefix(PREFIX).strip("/").partition("/")
    endpoint = _ENDPOINTS.get((request.method, name))
    if endpoint is None:
        return _reply(
            404,
            {"error": "There is no such control endpoint.", "doors": sorted({f"{m} {n}" for m, n in _ENDPOINTS})},
        )
    try:
        return _reply(200, endpoint(sandbox, request, rest))
    except (BadRequest, BadFaults) as error:
        return _reply(400, {"error": str(error)})


def set_states(
    sandbox: Sandbox,
    mailing_list: MailingList,
    emails: list[str],
    state: str,
    *,
    joined: str = "",
    since: str = "",
) -> None:
    """Set the state of subscribers, adding missing ones, as if they had changed it themselves: ``joined`` and
    ``since`` are when they joined and came into the state (empty: now). Unsubscribed follows the list's setting;
    Suppressed adds to the client's suppression list."""
    store = sandbox.store
    moment = store.clients[mailing_list.client_id].now()
    with store.change() as change:
        subscribers = [_subscriber(change, mailing_list, email, moment) for email in emails]
        for subscriber in subscribers:
            subscriber.joined = joined or subscriber.joined
        if state == "Suppressed":
            client = store.clients[mailing_list.client_id]
            suppress(change, client, emails, reason="Reason Unavailable", moment=moment)
        elif state == UNSUBSCRIBED:
            unsubscribe_subscribers(store, change, mailing_list, subscribers, moment=since or moment)
            return
        else:
            for subscriber in subscribers:
                mailing_list.move(subscriber, state, since or moment)
        change.subscribers(mailing_list, subscribers)


def _health(_sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    return {"status": "ok"}


def _faults(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    return sandbox.faults.as_json()


def _put_faults(sandbox: Sandbox, request: Request, _rest: str) -> Any:
    sandbox.faults.replace(_json(request))
    return sandbox.faults.as_json()


def _add_fault(sandbox: Sandbox, request: Request, _rest: str) -> Any:
    sandbox.faults.add(Rule.read(_json(request)))
    return sandbox.faults.as_json()


def _clear_faults(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    sandbox.faults.clear()
    return sandbox.faults.as_json()


def _requests(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    return sandbox.log.as_json()


def _clear_requests(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    sandbox.log.clear()
    return sandbox.log.as_json()


def _set_clock(_sandbox: Sandbox, request: Request, _rest: str) -> Any:
    """Set by how many seconds the API's clock is ahead of the machine's."""
    seconds = _object(request).get("ahead_seconds")
    if not isinstance(seconds, int | float):
        raise BadRequest("“ahead_seconds” is a number.")
    clock.offset = timedelta(seconds=seconds)
    return {"now": now()}


def _account(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    return {"time_zone": sandbox.store.time_zone, "now": now(sandbox.store.time_zone)}


def _set_account(sandbox: Sandbox, request: Request, rest: str) -> Any:
    """Set the time zone of the account, which ``systemdate`` uses."""
    name = _object(request).get("time_zone")
    if name not in TIME_ZONES:
        raise BadRequest("“time_zone” is one of those that /timezones.json names.")
    with sandbox.store.change() as change:
        sandbox.store.time_zone = name
        change.time_zone(name)
    return _account(sandbox, request, rest)


def _webhooks(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    """Return the calls of webhooks, and what happens to them."""
    return sandbox.store.webhook_calls.as_json()


def _set_webhooks(sandbox: Sandbox, request: Request, rest: str) -> Any:
    """Let calls of webhooks get lost, come several times or come late."""
    wanted = _object(request)
    try:
        faults = WebhookFaults(**wanted)
    except TypeError as error:
        raise BadRequest("Send “lost”, “times” or “late_seconds”.") from error
    sandbox.store.webhook_calls.faults = faults
    return _webhooks(sandbox, request, rest)


def _reset(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    clock.offset = timedelta(0)
    sandbox.store.reset()
    sandbox.faults.clear()
    sandbox.log.clear()
    sandbox.oauth_state.clear()
    sandbox.store.webhook_calls.clear()
    return {"status": "ok"}


def _oauth(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    """Return the OAuth settings and counts."""
    state = sandbox.oauth_state
    names = ("lifetime_seconds", "rotates", "error_status", "redirect_uris", "exchanges", "refreshes", "refusals")
    return {name: getattr(state, name) for name in names}


def _set_oauth(sandbox: Sandbox, request: Request, rest: str) -> Any:
    wanted = _object(request)
    for name in wanted:
        if name not in {"lifetime_seconds", "rotates", "error_status", "redirect_uris"}:
            raise BadRequest(f"There is no switch “{name}”.")
        setattr(sandbox.oauth_state, name, wanted[name])
    return _oauth(sandbox, request, rest)


def _act_on_oauth(sandbox: Sandbox, request: Request, rest: str) -> Any:
    """Handle ``oauth/expire`` and ``oauth/revoke`` for all tokens, ``oauth/authorize`` for a new one."""
    match rest:
        case "expire":
            return {"expired": oauth.expire(sandbox.store)}
        case "revoke":
            return {"revoked": oauth.revoke(sandbox.store)}
        case "authorize":
            scopes = _object(request).get("scopes")
            with sandbox.store.change() as change:
                return oauth.authorize(sandbox.store, sandbox.oauth_state, change, scopes)
        case _:
            raise BadRequest("The control endpoint must be oauth/expire, oauth/revoke or oauth/authorize.")


def _counts(sandbox: Sandbox, _request: Request, list_id: str) -> Any:
    with sandbox.store.lock:
        return _list(sandbox, list_id).counts()


def _received(sandbox: Sandbox, _request: Request, list_id: str) -> Any:
    """Return how often each address of a list was received."""
    with sandbox.store.lock:
        return {key: subscriber.received for key, subscriber in _list(sandbox, list_id).subscribers.items()}


def _arrivals(sandbox: Sandbox, _request: Request, list_id: str) -> Any:
    """Return by which calls each address of a list was received last."""
    with sandbox.store.lock:
        return {
            key: [by for _moment, by, _code in subscriber.arrivals]
            for key, subscriber in _list(sandbox, list_id).subscribers.items()
        }


def _states(sandbox: Sandbox, request: Request, _rest: str) -> Any:
    wanted = _object(request)
    mailing_list = _list(sandbox, str(wanted.get("list_id", "")))
    emails, state = wanted.get("emails"), wanted.get("state")
    if state not in {*STATES, "Suppressed"}:
        raise BadRequest(f"“state” is one of {', '.join(STATES)}, Suppressed.")
    if not isinstance(emails, list) or not all(isinstance(email, str) for email in emails):
        raise BadRequest("“emails” is a list of addresses.")
    joined, since = (str(wanted.get(name) or "") for name in ("joined", "since"))
    set_states(sandbox, mailing_list, emails, state, joined=joined, since=since)
    return mailing_list.counts()


def _add_campaign(sandbox: Sandbox, request: Request, _rest: str) -> Any:
    """Add a sent campaign with its results, or replace one by its ``id``."""
    wanted = _object(request)
    mailing_list = _list(sandbox, str(wanted.get("list_id", "")))
    counts = {name: int(wanted.get(name, 0)) for name in COUNTS}
    name = str(wanted.get("name", "Campaign"))
    campaign = Campaign(
        id=str(wanted.get("id") or uuid4().hex),
        client_id=mailing_list.client_id,
        name=name,
        subject=str(wanted.get("subject", name)),
        sent=str(wanted.get("sent") or sandbox.store.clients[mailing_list.client_id].now()),
        lists=[mailing_list.id, *wanted.get("further_list_ids", [])],
        counts=counts,
    )
    with sandbox.store.change() as change:
        sandbox.store.campaigns[campaign.id] = campaign
        change.campaign(campaign)
    return {"id": campaign.id}


def _make_token(sandbox: Sandbox, request: Request, _rest: str) -> Any:
    """Create an OAuth token, to test the rights of callers."""
    wanted = _object(request)
    token = Token(
        token=str(wanted.get("token") or uuid4().hex),
        expires_at=time.time() + float(wanted.get("expires_in", 1_209_600)),
        scopes=wanted.get("scopes"),
        revoked=bool(wanted.get("revoked", False)),
    )
    with sandbox.store.change() as change:
        sandbox.store.tokens[token.token] = token
        change.token(token)
    return {"access_token": token.token}


def _list(sandbox: Sandbox, list_id: str) -> MailingList:
    found = sandbox.store.lists.get(list_id.strip("/").lower())
    if found is None:
        raise BadRequest(f"There is no list “{list_id}”.")
    return found


def _subscriber(change: Change, mailing_list: MailingList, email: str, moment: str) -> Subscriber:
    subscriber = mailing_list.subscribers.get(key_of(email))
    if subscriber is None:
        subscriber = Subscriber(email.strip(), "", {}, "Active", "", moment, moment, 0, ())
        mailing_list.add(subscriber)
        mailing_list.note("Subscribe", subscriber)
        change.subscribers(mailing_list, [subscriber])
    return subscriber


def _object(request: Request) -> dict[str, Any]:
    value = _json(request)
    if not isinstance(value, dict):
        raise BadRequest("Send a JSON object.")
    return value


def _json(request: Request) -> Any:
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("Send JSON.") from error


def _reply(status: int, value: Any) -> Reply:
    return Reply(status, orjson.dumps(value))


_ENDPOINTS: dict[tuple[str, str], Callable[[Sandbox, Request, str], Any]] = {
    ("GET", "healthz"): _health,
    ("GET", "faults"): _faults,
    ("PUT", "faults"): _put_faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("PUT", "clock"): _set_clock,
    ("POST", "reset"): _reset,
    ("GET", "counts"): _counts,
    ("GET", "received"): _received,
    ("GET", "arrivals"): _arrivals,
    ("GET", "account"): _account,
    ("PUT", "account"): _set_account,
    ("POST", "states"): _states,
    ("GET", "webhooks"): _webhooks,
    ("PUT", "webhooks"): _set_webhooks,
    ("POST", "campaigns"): _add_campaign,
    ("POST", "tokens"): _make_token,
    ("GET", "oauth"): _oauth,
    ("PUT", "oauth"): _set_oauth,
    ("POST", "oauth"): _act_on_oauth,
}

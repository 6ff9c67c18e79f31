"""The doors under ``/_sandbox/``: for tests, drills and benchmarks. JSON in, JSON out, no key; from this machine
only, unless told otherwise."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson

from connections.destinations.campaign_monitor.sandbox import oauth
from connections.destinations.campaign_monitor.sandbox.api.subscribers import opt_out, suppress
from connections.destinations.campaign_monitor.sandbox.faults import BadFaults, Rule
from connections.destinations.campaign_monitor.sandbox.http_messages import Reply, Request
from connections.destinations.campaign_monitor.sandbox.model import (
    STATES,
    UNSUBSCRIBED,
    MailingList,
    Person,
    Token,
    clock,
    key_of,
    now,
)
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox
from connections.destinations.campaign_monitor.sandbox.store import Change
from connections.destinations.campaign_monitor.sandbox.vocabulary import TIME_ZONES

PREFIX = "/_sandbox/"


class BadRequest(Exception):
    """Says what is wrong."""


def through(sandbox: Sandbox, request: Request) -> Reply:
    """The answer of a door."""
    if not (request.local or sandbox.open_doors):
        return _reply(403, {"error": "The sandbox's doors answer this machine only."})
    name, _, rest = request.path.removeprefix(PREFIX).strip("/").partition("/")
    door = _DOORS.get((request.method, name))
    if door is None:
        return _reply(404, {"error": "There is no such door.", "doors": sorted({f"{m} {n}" for m, n in _DOORS})})
    try:
        return _reply(200, door(sandbox, request, rest))
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
    """Put people into a state, as if they had gone that way themselves, having ``joined`` then and being in it
    ``since`` then (now, if that is empty); people who are not
    on the list are put there. Unsubscribed follows the list's setting; Suppressed puts the address on the client's
    suppression list."""
    store = sandbox.store
    moment = store.clients[mailing_list.client_id].now()
    with store.change() as change:
        people = [_person(change, mailing_list, email, moment) for email in emails]
        for person in people:
            person.joined = joined or person.joined
        if state == "Suppressed":
            client = store.clients[mailing_list.client_id]
            suppress(change, client, emails, reason="Reason Unavailable", moment=moment)
        elif state == UNSUBSCRIBED:
            opt_out(store, change, mailing_list, people, moment=since or moment)
            return
        else:
            for person in people:
                mailing_list.move(person, state, since or moment)
        change.people(mailing_list, people)


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
    """Let the moments that the API writes be so many seconds ahead of the machine's clock."""
    seconds = _object(request).get("ahead_seconds")
    if not isinstance(seconds, int | float):
        raise BadRequest("“ahead_seconds” is a number.")
    clock.ahead = timedelta(seconds=seconds)
    return {"now": now()}


def _account(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    return {"time_zone": sandbox.store.time_zone, "now": now(sandbox.store.time_zone)}


def _set_account(sandbox: Sandbox, request: Request, rest: str) -> Any:
    """Another time zone of the account, hence of systemdate."""
    name = _object(request).get("time_zone")
    if name not in TIME_ZONES:
        raise BadRequest("“time_zone” is one of those that /timezones.json names.")
    with sandbox.store.change() as change:
        sandbox.store.time_zone = name
        change.time_zone(name)
    return _account(sandbox, request, rest)


def _reset(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    clock.ahead = timedelta(0)
    sandbox.store.reset()
    sandbox.faults.clear()
    sandbox.log.clear()
    sandbox.authorizing.clear()
    return {"status": "ok"}


def _oauth(sandbox: Sandbox, _request: Request, _rest: str) -> Any:
    """Switches, and how often tokens were given."""
    state = sandbox.authorizing
    names = ("lifetime_seconds", "rotates", "error_status", "redirect_uris", "exchanges", "refreshes", "refusals")
    return {name: getattr(state, name) for name in names}


def _set_oauth(sandbox: Sandbox, request: Request, rest: str) -> Any:
    wanted = _object(request)
    for name in wanted:
        if name not in {"lifetime_seconds", "rotates", "error_status", "redirect_uris"}:
            raise BadRequest(f"There is no switch “{name}”.")
        setattr(sandbox.authorizing, name, wanted[name])
    return _oauth(sandbox, request, rest)


def _act_on_oauth(sandbox: Sandbox, request: Request, rest: str) -> Any:
    """``oauth/expire``, ``oauth/revoke``: all tokens; ``oauth/authorize``: one, as if the owner had agreed."""
    match rest:
        case "expire":
            return {"expired": oauth.expire(sandbox.store)}
        case "revoke":
            return {"revoked": oauth.revoke(sandbox.store)}
        case "authorize":
            scopes = _object(request).get("scopes")
            with sandbox.store.change() as change:
                return oauth.authorize(sandbox.store, sandbox.authorizing, change, scopes)
        case _:
            raise BadRequest("The door is oauth/expire, oauth/revoke or oauth/authorize.")


def _counts(sandbox: Sandbox, _request: Request, list_id: str) -> Any:
    with sandbox.store.lock:
        return _list(sandbox, list_id).counts()


def _received(sandbox: Sandbox, _request: Request, list_id: str) -> Any:
    """How often each address of a list was received, in any way."""
    with sandbox.store.lock:
        return {key: person.received for key, person in _list(sandbox, list_id).people.items()}


def _arrivals(sandbox: Sandbox, _request: Request, list_id: str) -> Any:
    """In which ways each address of a list was received lately."""
    with sandbox.store.lock:
        return {
            key: [by for _moment, by, _code in person.arrivals]
            for key, person in _list(sandbox, list_id).people.items()
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


def _make_token(sandbox: Sandbox, request: Request, _rest: str) -> Any:
    """An OAuth token, for tests of what a bearer may do."""
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


def _person(change: Change, mailing_list: MailingList, email: str, moment: str) -> Person:
    person = mailing_list.people.get(key_of(email))
    if person is None:
        person = Person(email.strip(), "", {}, "Active", "", moment, moment, 0, ())
        mailing_list.add(person)
        change.people(mailing_list, [person])
    return person


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


_DOORS: dict[tuple[str, str], Callable[[Sandbox, Request, str], Any]] = {
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
    ("POST", "tokens"): _make_token,
    ("GET", "oauth"): _oauth,
    ("PUT", "oauth"): _set_oauth,
    ("POST", "oauth"): _act_on_oauth,
}

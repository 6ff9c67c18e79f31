"""Show lists, subscribers, suppressions and calls; edit faults; ask the owner for OAuth consent."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from connections.destinations.campaign_monitor.sandbox import model, oauth
from connections.destinations.campaign_monitor.sandbox.faults import KINDS, WAITS_AS, BadFaults, Rule
from connections.destinations.campaign_monitor.sandbox.http_messages import MESSAGES, NotFound, Reply, Request
from connections.destinations.campaign_monitor.sandbox.model import (
    STATES,
    THIS_LIST,
    Client,
    MailingList,
    Subscriber,
    key_of,
)
from connections.destinations.campaign_monitor.sandbox.pages.rendering import Slice, page, query
from connections.destinations.campaign_monitor.sandbox.rows import shown_values
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox

_CALLS_SHOWN = 200
_AUTHORIZATIONS = "/authorizations/"
_FAULTS = "/faults/"


@dataclass(frozen=True)
class Row:
    """A subscriber in the table."""

    subscriber: Subscriber
    values: list[str]
    last_received: str


def lists(sandbox: Sandbox, request: Request) -> Reply:
    """Show every client with its lists, and subscribers by state."""
    with sandbox.store.lock:
        clients = [
            (client, [(each, list(each.counts().items())) for each in sandbox.store.lists_of(client.id)])
            for client in sandbox.store.clients.values()
        ]
    return page(
        "lists.html",
        active="lists",
        clients=clients,
        this_list=THIS_LIST,
        address=f"http://{request.headers.get('host', '')}",
        api_key=model.API_KEY,
    )


def subscribers(sandbox: Sandbox, request: Request, list_id: str) -> Reply:
    """Show the subscribers of a list: search, filter by state, pages."""
    mailing_list, parameters = _list(sandbox, list_id), query(request)
    state, words = parameters.get("state", ""), parameters.get("q", "").strip()
    with sandbox.store.lock:
        counts = mailing_list.counts()
        found = mailing_list.in_order(state if state in STATES else "", "email")
    if words:
        wanted = words.lower()
        found = [each for each in found if wanted in each.email.lower() or wanted in each.name.lower()]
    shown = Slice.of(found, parameters)
    return page(
        "subscribers.html",
        active="lists",
        list=mailing_list,
        client=sandbox.store.clients[mailing_list.client_id],
        counts=list(counts.items()),
        all_subscribers=sum(counts.values()),
        state=state,
        q=words,
        fields=list(mailing_list.fields.values()),
        slice=shown,
        rows=[_row(mailing_list, each) for each in shown.rows],
        this_list=THIS_LIST,
    )


def subscriber(sandbox: Sandbox, request: Request, list_id: str) -> Reply:
    """Show a subscriber with its last arrivals."""
    mailing_list = _list(sandbox, list_id)
    client = sandbox.store.clients[mailing_list.client_id]
    key = key_of(query(request).get("email", ""))
    found = mailing_list.subscribers.get(key)
    if found is None:
        raise NotFound
    return page(
        "subscriber.html",
        active="lists",
        list=mailing_list,
        subscriber=found,
        values=[(field, _value(found, field.id)) for field in mailing_list.fields.values()],
        arrivals=[(at, by, code, MESSAGES.get(code, "")) for at, by, code in reversed(found.arrivals)],
        forgotten=found.received - len(found.arrivals),
        suppressed=client.suppressions.get(key),
        client=client,
    )


def suppressions(sandbox: Sandbox, request: Request, client_id: str) -> Reply:
    """Show the suppression list of a client."""
    client = _client(sandbox, client_id)
    with sandbox.store.lock:
        found = sorted(client.suppressions.values(), key=lambda each: key_of(each.email))
    return page("suppressions.html", active="lists", client=client, slice=Slice.of(found, query(request)))


def calls(sandbox: Sandbox, request: Request) -> Reply:
    """Show the last calls; ``live`` reloads every two seconds."""
    live = "live" in query(request)
    shown = page(
        "calls.html",
        active="calls",
        live=live,
        totals=sandbox.log.as_json(0)["totals"],
        entries=sandbox.log.entries(_CALLS_SHOWN),
    )
    if live:
        shown.headers["Refresh"] = "2"
    return shown


def faults_page(sandbox: Sandbox, request: Request) -> Reply:
    """Show the active faults, and forms to add some."""
    return _faults_page(sandbox, allowed=allowed(sandbox, request))


def change_faults(sandbox: Sandbox, request: Request) -> Reply:
    """Carry out a button of the faults page."""
    if not allowed(sandbox, request) or not from_here(request):
        return _faults_page(sandbox, status=403, allowed=False)
    form = parse_qsl(request.body.decode("utf-8", "replace"))
    values = {name: value.strip() for name, value in form if value.strip()}
    try:
        _change_faults(sandbox, values)
    except (BadFaults, ValueError) as error:
        return _faults_page(sandbox, status=400, allowed=True, error=str(error), values=values)
    return Reply(303, headers={"Location": _FAULTS})


def ask(sandbox: Sandbox, request: Request) -> Reply:
    """Show the consent page (GET /oauth): who asks for which scopes, and the owner's sign-in."""
    asked = query(request)
    return _refusal(sandbox, asked) or _consent_page(asked)


def decide(sandbox: Sandbox, request: Request) -> Reply:
    """Answer the consent page (POST /oauth): Allow returns a code to the caller, Deny an error."""
    asked, typed = query(request), dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if refusal := _refusal(sandbox, asked):
        return refusal
    if typed.get("do") != "allow":
        return _back(asked, error="access_denied", error_description="The user has denied your application access")
    if (typed.get("email", "").strip().lower(), typed.get("password")) != (
        model.OWNER_EMAIL,
        model.OWNER_PASSWORD,
    ):
        return _consent_page(asked, status=403, wrong=True, email=typed.get("email", ""))
    return _back(asked, code=sandbox.oauth_state.new_code(asked["redirect_uri"], _scopes(asked)))


def authorizations(sandbox: Sandbox, request: Request) -> Reply:
    """Show tokens and OAuth settings."""
    with sandbox.store.lock:
        tokens = sorted(sandbox.store.tokens.values(), key=lambda each: each.expires_at, reverse=True)[:50]
    return page(
        "authorizations.html",
        active="authorizations",
        state=sandbox.oauth_state,
        tokens=[(each, int(each.expires_at - time.time())) for each in tokens],
        total=len(sandbox.store.tokens),
        allowed=allowed(sandbox, request),
    )


def change_authorizations(sandbox: Sandbox, request: Request) -> Reply:
    """Carry out a button of the authorizations page."""
    if not allowed(sandbox, request) or not from_here(request):
        return page("not_found.html", status=403)
    typed = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    match typed.get("do"):
        case "expire":
            oauth.expire(sandbox.store)
        case "revoke":
            oauth.revoke(sandbox.store)
        case "set":
            seconds = typed.get("lifetime_seconds", "")
            if seconds.isdecimal() and int(seconds):
                sandbox.oauth_state.lifetime_seconds = int(seconds)
            sandbox.oauth_state.rotates = "rotates" in typed
    return Reply(303, headers={"Location": _AUTHORIZATIONS})


def _row(mailing_list: MailingList, each: Subscriber) -> Row:
    values = [_value(each, field_id) for field_id in mailing_list.fields]
    return Row(each, values, each.arrivals[-1][0] if each.arrivals else "")


def _value(each: Subscriber, field_id: str) -> str:
    return ", ".join(shown_values(each.fields[field_id])) if field_id in each.fields else ""


def _list(sandbox: Sandbox, list_id: str) -> MailingList:
    if list_id not in sandbox.store.lists:
        raise NotFound
    return sandbox.store.lists[list_id]


def _client(sandbox: Sandbox, client_id: str) -> Client:
    if client_id not in sandbox.store.clients:
        raise NotFound
    return sandbox.store.clients[client_id]


def _refusal(sandbox: Sandbox, asked: dict[str, str]) -> Reply | None:
    """Return the error page of an invalid request, or None. Unregistered addresses get no redirect."""
    if asked.get("client_id") != str(model.OAUTH_CLIENT_ID):
        return page("consent_refused.html", status=400, error="unknown_client")
    if not sandbox.oauth_state.may_return_to(asked.get("redirect_uri", "")):
        return page("consent_refused.html", status=400, error="invalid_redirect_uri")
    if asked.get("type", "web_server") != "web_server":
        return _back(asked, error="invalid_request", error_description="The type must be web_server")
    if not set(_scopes(asked)) <= set(oauth.SCOPES) or not _scopes(asked):
        return _back(
            asked, error="unknown_scope", error_description="The scope names a permission that is not known"
        )
    return None


def _scopes(asked: dict[str, str]) -> list[str]:
    return [scope.strip() for scope in asked.get("scope", "").split(",") if scope.strip()]


def _consent_page(asked: dict[str, str], *, status: int = 200, **context: Any) -> Reply:
    reply = page("consent.html", status=status, asked=asked, scopes=_scopes(asked), **context)
    # Browsers hold a form's redirects to form-action as well, and the answer goes to the caller.
    back = urlsplit(asked["redirect_uri"])
    policy = reply.headers["Content-Security-Policy"]
    origin = f"{back.scheme}://{back.netloc}"
    reply.headers["Content-Security-Policy"] = policy.replace("form-action 'self'", f"form-action 'self' {origin}")
    return reply


def _back(asked: dict[str, str], **answer: str) -> Reply:
    if "state" in asked:
        answer["state"] = asked["state"]
    uri = asked["redirect_uri"]
    return Reply(303, headers={"Location": f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"})


def _seconds_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


# The form's fields by what they are read as; an empty one is left to its default.
_READ_AS: dict[str, Callable[[str], Any]] = {
    "kind": str,
    "method": str,
    "path": str,
    "message": str,
    "skip": int,
    "times": int,
    "status": int,
    "code": int,
    "probability": float,
    "retry_after": _seconds_or_text,
    "rate_limit_reset": _seconds_or_text,
    "waits_as": str,
    "seconds": float,
}


def _change_faults(sandbox: Sandbox, values: dict[str, str]) -> None:
    match values.get("do"):
        case "wait":
            sandbox.faults.set_latency(float(values.get("latency_ms", 0)), float(values.get("jitter_ms", 0)))
        case "add":
            sandbox.faults.add(_rule(values))
        case "remove":
            sandbox.faults.remove(int(values["number"]))
        case "clear":
            sandbox.faults.clear()
        case _:
            raise BadFaults("Nothing was selected.")


def _rule(values: dict[str, str]) -> Rule:
    rule: dict[str, Any] = {name: read_as(values[name]) for name, read_as in _READ_AS.items() if values.get(name)}
    rule["applied"] = "applied" in values
    rule["emails"] = values.get("emails", "").replace(",", " ").split()
    further = orjson.loads(values["further"]) if values.get("further") else {}
    if not isinstance(further, dict):
        raise BadFaults("“More settings” must be a JSON object.")
    return Rule.read(rule | further)


def _faults_page(sandbox: Sandbox, *, status: int = 200, **context: Any) -> Reply:
    described = [(rule, _rule_settings(rule)) for rule in sandbox.faults.rules]
    return page(
        "faults.html",
        status=status,
        active="faults_page",
        faults=sandbox.faults,
        rules=described,
        kinds=KINDS,
        waits_as=WAITS_AS,
        **context,
    )


def _rule_settings(rule: Rule) -> list[str]:
    """Describe the settings of a rule beyond its kind, in the words of its JSON."""
    plain = Rule(rule.kind)
    names = (
        "status",
        "code",
        "message",
        "html",
        "applied",
        "retry_after",
        "rate_limit_reset",
        "waits_as",
        "seconds",
        "emails",
        "row",
        "rows",
        "values",
    )
    settings = {name: getattr(rule, name) for name in names if getattr(rule, name) != getattr(plain, name)}
    return [f"{name} {_setting_text(value)}" for name, value in settings.items()]


def _setting_text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else str(value)


def allowed(sandbox: Sandbox, request: Request) -> bool:
    return request.local or sandbox.open_doors


def from_here(request: Request) -> bool:
    """Tell whether a form was posted from this site, not from another."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")

"""The pages that show what is here."""

from dataclasses import dataclass

from connections.destinations.campaign_monitor.sandbox import defaults
from connections.destinations.campaign_monitor.sandbox.answers import MESSAGES, NotFound
from connections.destinations.campaign_monitor.sandbox.http_messages import Reply, Request
from connections.destinations.campaign_monitor.sandbox.model import (
    STATES,
    THIS_LIST,
    Client,
    MailingList,
    Person,
    key_of,
)
from connections.destinations.campaign_monitor.sandbox.pages.rendering import Slice, page, query
from connections.destinations.campaign_monitor.sandbox.sandbox import Sandbox
from connections.destinations.campaign_monitor.sandbox.values import shown_values

_CALLS_SHOWN = 200


@dataclass(frozen=True)
class Row:
    """One person as a line of the table."""

    person: Person
    values: list[str]
    last_received: str


def lists(sandbox: Sandbox, request: Request) -> Reply:
    """Every client with its lists, and how many people are in which state."""
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
        api_key=defaults.API_KEY,
    )


def people(sandbox: Sandbox, request: Request, list_id: str) -> Reply:
    """Who is on a list: searched, filtered by state, page by page."""
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
        "people.html",
        active="lists",
        list=mailing_list,
        client=sandbox.store.clients[mailing_list.client_id],
        counts=list(counts.items()),
        everybody=sum(counts.values()),
        state=state,
        q=words,
        fields=list(mailing_list.fields.values()),
        slice=shown,
        rows=[_row(mailing_list, each) for each in shown.rows],
        this_list=THIS_LIST,
    )


def person(sandbox: Sandbox, request: Request, list_id: str) -> Reply:
    """One person, with when and how they arrived."""
    mailing_list = _list(sandbox, list_id)
    client = sandbox.store.clients[mailing_list.client_id]
    key = key_of(query(request).get("email", ""))
    found = mailing_list.people.get(key)
    if found is None:
        raise NotFound
    return page(
        "person.html",
        active="lists",
        list=mailing_list,
        person=found,
        values=[(field, _value(found, field.id)) for field in mailing_list.fields.values()],
        arrivals=[(at, by, code, MESSAGES.get(code, "")) for at, by, code in reversed(found.arrivals)],
        forgotten=found.received - len(found.arrivals),
        suppressed=client.suppressions.get(key),
        client=client,
    )


def suppressions(sandbox: Sandbox, request: Request, client_id: str) -> Reply:
    """Addresses that a client may not mail."""
    client = _client(sandbox, client_id)
    with sandbox.store.lock:
        found = sorted(client.suppressions.values(), key=lambda each: key_of(each.email))
    return page("suppressions.html", active="lists", client=client, slice=Slice.of(found, query(request)))


def calls(sandbox: Sandbox, request: Request) -> Reply:
    """What was called lately; ``live`` looks again every two seconds."""
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


def _row(mailing_list: MailingList, each: Person) -> Row:
    values = [_value(each, field_id) for field_id in mailing_list.fields]
    return Row(each, values, each.arrivals[-1][0] if each.arrivals else "")


def _value(each: Person, field_id: str) -> str:
    return ", ".join(shown_values(each.fields[field_id])) if field_id in each.fields else ""


def _list(sandbox: Sandbox, list_id: str) -> MailingList:
    if list_id not in sandbox.store.lists:
        raise NotFound
    return sandbox.store.lists[list_id]


def _client(sandbox: Sandbox, client_id: str) -> Client:
    if client_id not in sandbox.store.clients:
        raise NotFound
    return sandbox.store.clients[client_id]

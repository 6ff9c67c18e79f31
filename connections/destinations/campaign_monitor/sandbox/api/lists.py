"""Lists: how they are set up, what they count."""

import re
from datetime import datetime, timedelta
from uuid import uuid4

from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError
from connections.destinations.campaign_monitor.sandbox.api.subscribers import suppress
from connections.destinations.campaign_monitor.sandbox.calls import Body, Call
from connections.destinations.campaign_monitor.sandbox.model import (
    ACTIVE,
    ALL_LISTS,
    BOUNCED,
    DELETED,
    SCOPES,
    STATES,
    UNSUBSCRIBED,
    Client,
    MailingList,
    key_of,
)
from connections.destinations.campaign_monitor.sandbox.paging import Paging
from connections.destinations.campaign_monitor.sandbox.records import record
from connections.destinations.campaign_monitor.sandbox.routes import LISTS, PEOPLE, route

_STATS = {
    ACTIVE: ("TotalActiveSubscribers", "NewActiveSubscribers"),
    UNSUBSCRIBED: ("TotalUnsubscribes", "Unsubscribes"),
    DELETED: ("TotalDeleted", "Deleted"),
    BOUNCED: ("TotalBounces", "Bounces"),
}


@route("POST", "/lists/<client>", scopes=LISTS)
def create(call: Call, client: Client) -> Answer:
    """A new list; the id in the path is the client's."""
    body = Body.of(call, "list")
    mailing_list = MailingList(id=uuid4().hex, client_id=client.id, title="")
    _check(call, mailing_list, body)
    _set(mailing_list, body)
    with call.store.change() as change:
        call.store.lists[mailing_list.id] = mailing_list
        change.list(mailing_list)
    return Answer(201, mailing_list.id)


@route("GET", "/lists/<list>")
def details(_call: Call, mailing_list: MailingList) -> Answer:
    return Answer(
        value={
            "ConfirmedOptIn": mailing_list.confirmed_opt_in,
            "Title": mailing_list.title,
            "UnsubscribePage": mailing_list.unsubscribe_page,
            "ListID": mailing_list.id,
            "ConfirmationSuccessPage": mailing_list.confirmation_page,
            "UnsubscribeSetting": mailing_list.unsubscribe_setting,
        }
    )


@route("PUT", "/lists/<list>", scopes=LISTS)
def update(call: Call, mailing_list: MailingList) -> Answer:
    """Set it up otherwise; optionally bring it and the suppression list together."""
    body = Body.of(call, "list")
    _check(call, mailing_list, body)
    with call.store.change() as change:
        _set(mailing_list, body)
        change.list(mailing_list)
        client = call.store.clients[mailing_list.client_id]
        moment = client.now()
        people = mailing_list.people.values()
        if body.flag("AddUnsubscribesToSuppList"):
            gone = [person.email for person in people if person.state == UNSUBSCRIBED]
            suppress(change, client, gone, reason="Unsubscribed", moment=moment)
        if body.flag("ScrubActiveWithSuppList"):
            scrubbed = [
                each for each in people if each.state == ACTIVE and key_of(each.email) in client.suppressions
            ]
            for person in scrubbed:
                mailing_list.move(person, DELETED, moment)
            change.people(mailing_list, scrubbed)
    return Answer()


@route("DELETE", "/lists/<list>", scopes=LISTS)
def delete(call: Call, mailing_list: MailingList) -> Answer:
    """The list with everybody on it."""
    with call.store.change() as change:
        del call.store.lists[mailing_list.id]
        change.list_gone(mailing_list)
    return Answer()


@route("GET", "/lists/<list>/stats")
def stats(call: Call, mailing_list: MailingList) -> Answer:
    """Twenty-four figures: how many are in a state, and since which day of the client's time zone."""
    today = datetime.fromisoformat(call.moment(mailing_list)).date()
    monday = today - timedelta(days=today.weekday())
    since = {
        "Today": (today, today),
        "Yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "ThisWeek": (monday, today),
        "ThisMonth": (today.replace(day=1), today),
        "ThisYear": (today.replace(month=1, day=1), today),
    }
    figures: dict[str, int] = {}
    for state, (total, part) in _STATS.items():
        days = {day: count for (each, day), count in mailing_list.days.items() if each == state}
        figures[total] = sum(days.values())
        for name, (first, last) in since.items():
            figures[part + name] = sum(
                count for day, count in days.items() if first.isoformat() <= day <= last.isoformat()
            )
    return Answer(value=figures)


@route("GET", "/lists/<list>/segments")
def segments(_call: Call, mailing_list: MailingList) -> Answer:
    """None: this sandbox keeps no segments."""
    return Answer(value=[])


def _check(call: Call, mailing_list: MailingList, body: Body) -> None:
    title = body.text("Title").strip()
    if not title:
        raise ApiError(251)
    others = (each for each in call.store.lists_of(mailing_list.client_id) if each is not mailing_list)
    if any(each.title.lower() == title.lower() for each in others):
        raise ApiError(250)
    if body.text("UnsubscribeSetting", ALL_LISTS) not in SCOPES:
        raise ApiError(261)
    for name in ("ConfirmedOptIn", "AddUnsubscribesToSuppList", "ScrubActiveWithSuppList"):
        body.flag(name)


def _set(mailing_list: MailingList, body: Body) -> None:
    mailing_list.title = body.text("Title").strip()
    mailing_list.unsubscribe_page = body.text("UnsubscribePage")
    mailing_list.confirmation_page = body.text("ConfirmationSuccessPage")
    mailing_list.confirmed_opt_in = body.flag("ConfirmedOptIn")
    mailing_list.unsubscribe_setting = body.text("UnsubscribeSetting", ALL_LISTS)


_STATES = {state.lower(): state for state in STATES}

_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2})?)?)?")


@route("GET", "/lists/<list>/(?P<state>active|unconfirmed|unsubscribed|bounced|deleted)", scopes=PEOPLE)
def people(call: Call, mailing_list: MailingList, state: str) -> Answer:
    """Those who are in a state, or came into it on or after ``date``."""
    paging = Paging.of(call, "email", "name", "date")
    since = call.parameters.get("date", "").strip()
    if not _MOMENT.fullmatch(since):
        raise ApiError(400, message="Failed to deserialize your request. Fields in error: date")
    named = _STATES[state.lower()]
    order = paging.order
    found = mailing_list.since(named, order, since) if since else mailing_list.in_order(named, order)
    return paging.envelope(found, lambda person: record(call, mailing_list, person))

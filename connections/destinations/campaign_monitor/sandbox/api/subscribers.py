"""One person at a time: add, update, get, history, unsubscribe, delete."""

from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError
from connections.destinations.campaign_monitor.sandbox.calls import Body, Call
from connections.destinations.campaign_monitor.sandbox.model import (
    ALL_LISTS,
    DELETED,
    UNSUBSCRIBED,
    Client,
    MailingList,
    Person,
    Suppression,
    key_of,
)
from connections.destinations.campaign_monitor.sandbox.records import record
from connections.destinations.campaign_monitor.sandbox.routes import PEOPLE, route
from connections.destinations.campaign_monitor.sandbox.rows import Incoming, RowReader, is_address
from connections.destinations.campaign_monitor.sandbox.store import Change, Store
from connections.destinations.campaign_monitor.sandbox.subscribe import Taking


@route("POST", "/subscribers/<list>", scopes=PEOPLE)
def add(call: Call, mailing_list: MailingList) -> Answer:
    """An upsert. The vendor queues it; here it is readable at once."""
    body = Body.of(call, "subscriber")
    incoming = _read(call, mailing_list, body)
    if incoming.code:
        raise ApiError(incoming.code)
    _check_pace(call, mailing_list, incoming.key)
    refusals = call.faults.refused_emails({incoming.key: incoming})
    with call.store.change() as change:
        taking = Taking(
            call.store,
            change,
            mailing_list,
            by="add",
            resubscribe=body.flag("Resubscribe"),
            moment=call.moment(mailing_list),
        )
        if incoming.key in refusals:
            taking.refuse(incoming, *refusals[incoming.key])
        else:
            taking.take(incoming)
        taken = taking.finish()
    if taken.failures:
        failure = taken.failures[0]
        raise ApiError(failure["Code"], message=failure["Message"], rows=1)
    return Answer(201, incoming.email, rows=1)


@route("PUT", "/subscribers/<list>", scopes=PEOPLE)
def update(call: Call, mailing_list: MailingList) -> Answer:
    """Change somebody, the address included; never creates. Chosen options are replaced as a set."""
    body = Body.of(call, "subscriber")
    person = _person(call, mailing_list)
    incoming = _read(call, mailing_list, body)
    if incoming.code:
        raise ApiError(211 if incoming.code == 1 else incoming.code)
    old_key = key_of(person.email)
    if incoming.key != old_key and incoming.key in mailing_list.people:
        raise ApiError(201)
    _check_pace(call, mailing_list, old_key)
    with call.store.change() as change:
        if incoming.key != old_key:
            mailing_list.remove(old_key)
            change.address_gone(mailing_list, old_key)
        person.email = incoming.email
        mailing_list.add(person)
        taking = Taking(
            call.store,
            change,
            mailing_list,
            by="update",
            resubscribe=body.flag("Resubscribe"),
            moment=call.moment(mailing_list),
        )
        taking.correct(person, incoming)
        taking.finish()
    return Answer(rows=1)


@route("GET", "/subscribers/<list>", scopes=PEOPLE)
def get(call: Call, mailing_list: MailingList) -> Answer:
    """One record, in whatever state."""
    return Answer(value=record(call, mailing_list, _person(call, mailing_list)))


@route("GET", "/subscribers/<list>/history", scopes=PEOPLE)
def history(call: Call, mailing_list: MailingList) -> Answer:
    """Nothing was ever mailed from here, so nothing was ever opened."""
    _person(call, mailing_list)
    return Answer(value=[])


@route("POST", "/subscribers/<list>/unsubscribe", scopes=PEOPLE)
def unsubscribe(call: Call, mailing_list: MailingList) -> Answer:
    """From this list, or, where the list is set up so, from all of the client's lists that are."""
    person = _find(mailing_list, Body.of(call, "subscriber").text("EmailAddress"))
    with call.store.change() as change:
        opt_out(call.store, change, mailing_list, [person], moment=call.moment(mailing_list))
    return Answer()


@route("DELETE", "/subscribers/<list>", scopes=PEOPLE)
def delete(call: Call, mailing_list: MailingList) -> Answer:
    """The record stays, in state Deleted; the suppression list hears nothing of it."""
    person = _person(call, mailing_list)
    with call.store.change() as change:
        mailing_list.move(person, DELETED, call.moment(mailing_list))
        change.people(mailing_list, [person])
    return Answer()


def opt_out(store: Store, change: Change, mailing_list: MailingList, people: list[Person], *, moment: str) -> None:
    """Unsubscribe people as the list's setting says."""
    for person in people:
        mailing_list.move(person, UNSUBSCRIBED, moment)
    change.people(mailing_list, people)
    if mailing_list.unsubscribe_setting != ALL_LISTS:
        return
    client = store.clients[mailing_list.client_id]
    suppress(change, client, [person.email for person in people], reason="Unsubscribed", moment=moment)
    keys = [key_of(person.email) for person in people]
    for sibling in store.lists_of(client.id):
        if sibling is mailing_list or not sibling.minds_suppressions:
            continue
        found = [sibling.people[key] for key in keys if key in sibling.people]
        if moved := [each for each in found if each.state not in {UNSUBSCRIBED, DELETED}]:
            for each in moved:
                sibling.move(each, UNSUBSCRIBED, moment)
            change.people(sibling, moved)


def suppress(change: Change, client: Client, emails: list[str], *, reason: str, moment: str) -> None:
    """Put addresses on the client's suppression list; those on it keep their first reason."""
    added = {key_of(email): Suppression(email.strip(), reason, moment) for email in emails}
    added = {key: each for key, each in added.items() if key not in client.suppressions}
    client.suppressions |= added
    change.suppressed(client, added.values())


def _read(call: Call, mailing_list: MailingList, body: Body) -> Incoming:
    reader = RowReader(mailing_list, consent_required=call.consent_required, parameter="subscriber")
    return reader.read(body.values)


def _person(call: Call, mailing_list: MailingList) -> Person:
    return _find(mailing_list, call.parameters.get("email", ""))


def _find(mailing_list: MailingList, email: str) -> Person:
    if not is_address(email.strip()):
        raise ApiError(1)
    person = mailing_list.people.get(key_of(email))
    if person is None:
        raise ApiError(203)
    return person


def _check_pace(call: Call, mailing_list: MailingList, key: str) -> None:
    """The vendor limits writes for one address; only when a fault switches that on here."""
    person = mailing_list.people.get(key)
    if person and person.arrivals and call.faults.too_quick(person.arrivals[-1][0], call.moment(mailing_list)):
        raise ApiError(
            429, status=429, message="This subscriber was added too many times too quickly. Wait a little"
        )

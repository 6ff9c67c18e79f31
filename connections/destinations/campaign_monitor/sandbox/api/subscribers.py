"""Answer calls about subscribers: import up to 1,000, add, update, get, unsubscribe and delete one."""

from typing import Any

from connections.destinations.campaign_monitor.sandbox.calls import SUBSCRIBERS, Body, Call, route
from connections.destinations.campaign_monitor.sandbox.http_messages import Answer, ApiError, cannot_read
from connections.destinations.campaign_monitor.sandbox.model import (
    ALL_LISTS,
    DELETED,
    UNSUBSCRIBED,
    Client,
    MailingList,
    Subscriber,
    Suppression,
    key_of,
)
from connections.destinations.campaign_monitor.sandbox.rows import ParsedRow, RowReader, is_address, shown_values
from connections.destinations.campaign_monitor.sandbox.store import Change, Store
from connections.destinations.campaign_monitor.sandbox.subscribe import Upserter

MOST_ROWS = 1000
BY_IMPORT, BY_IMPORT_WITH_AUTOMATIONS = "import", "import, starting automations"


@route("POST", "/subscribers/<list>", scopes=SUBSCRIBERS)
def add(call: Call, mailing_list: MailingList) -> Answer:
    """Add or update a subscriber. The vendor queues this call; the sandbox applies it at once."""
    body = Body.of(call, "subscriber")
    parsed = _read(call, mailing_list, body)
    if parsed.code:
        raise ApiError(parsed.code)
    _check_pace(call, mailing_list, parsed.key)
    refusals = call.faults.refused_emails({parsed.key: parsed})
    with call.store.change() as change:
        upserter = Upserter(
            call.store,
            change,
            mailing_list,
            by="add",
            resubscribe=body.flag("Resubscribe"),
            moment=call.moment(mailing_list),
        )
        if parsed.key in refusals:
            upserter.refuse(parsed, *refusals[parsed.key])
        else:
            upserter.upsert(parsed)
        result = upserter.finish()
    if result.failures:
        failure = result.failures[0]
        raise ApiError(failure["Code"], message=failure["Message"], rows=1)
    return Answer(201, parsed.email, rows=1)


@route("PUT", "/subscribers/<list>", scopes=SUBSCRIBERS)
def update(call: Call, mailing_list: MailingList) -> Answer:
    """Update a subscriber, also its address; never creates one. Options are replaced as a set."""
    body = Body.of(call, "subscriber")
    subscriber = _subscriber(call, mailing_list)
    parsed = _read(call, mailing_list, body)
    if parsed.code:
        raise ApiError(211 if parsed.code == 1 else parsed.code)
    old_key = key_of(subscriber.email)
    if parsed.key != old_key and parsed.key in mailing_list.subscribers:
        raise ApiError(201)
    _check_pace(call, mailing_list, old_key)
    old_email = subscriber.email
    with call.store.change() as change:
        if parsed.key != old_key:
            mailing_list.remove(old_key)
            change.address_gone(mailing_list, old_key)
        subscriber.email = parsed.email
        mailing_list.add(subscriber)
        upserter = Upserter(
            call.store,
            change,
            mailing_list,
            by="update",
            resubscribe=body.flag("Resubscribe"),
            moment=call.moment(mailing_list),
        )
        upserter.update(subscriber, parsed, old_email=old_email)
        upserter.finish()
    return Answer(rows=1)


@route("GET", "/subscribers/<list>", scopes=SUBSCRIBERS)
def get(call: Call, mailing_list: MailingList) -> Answer:
    """Return a subscriber in any state."""
    return Answer(value=record(call, mailing_list, _subscriber(call, mailing_list)))


@route("GET", "/subscribers/<list>/history", scopes=SUBSCRIBERS)
def history(call: Call, mailing_list: MailingList) -> Answer:
    """Return an empty history: the sandbox sends no mail."""
    _subscriber(call, mailing_list)
    return Answer(value=[])


@route("POST", "/subscribers/<list>/unsubscribe", scopes=SUBSCRIBERS)
def unsubscribe(call: Call, mailing_list: MailingList) -> Answer:
    """Unsubscribe from the list or, by its setting, from all lists of the client that share the setting."""
    subscriber = _find(mailing_list, Body.of(call, "subscriber").text("EmailAddress"))
    with call.store.change() as change:
        unsubscribe_subscribers(call.store, change, mailing_list, [subscriber], moment=call.moment(mailing_list))
    return Answer()


@route("DELETE", "/subscribers/<list>", scopes=SUBSCRIBERS)
def delete(call: Call, mailing_list: MailingList) -> Answer:
    """Set the state of a subscriber to Deleted; the suppression list does not change."""
    subscriber = _subscriber(call, mailing_list)
    with call.store.change() as change:
        mailing_list.move(subscriber, DELETED, call.moment(mailing_list))
        change.subscribers(mailing_list, [subscriber])
    return Answer()


@route("POST", "/subscribers/<list>/import", scopes=SUBSCRIBERS, exclusive=False)
def import_subscribers(call: Call, mailing_list: MailingList) -> Answer:
    """Import rows: 201 when all were accepted, else 400 with code 210 and the same counts, and the accepted rows
    applied."""
    body = Body.of(call, "subscribers")
    rows = _rows(body)
    resubscribe = body.flag("Resubscribe")
    starts = body.flag("QueueSubscriptionBasedAutoResponders")
    body.flag("RestartSubscriptionBasedAutoresponders")  # checked only: it matters for returning subscribers
    by = BY_IMPORT_WITH_AUTOMATIONS if starts else BY_IMPORT
    try:
        subscribers, repeated = _distinct(rows, mailing_list, consent_required=call.consent_required)
        call.faults.refuse_batch(subscribers)
        result = _upsert_rows(call, mailing_list, subscribers, resubscribe=resubscribe, by=by)
    except ApiError as refusal:
        refusal.answer.rows = len(rows)
        raise
    result["DuplicateEmailsInSubmission"] = repeated
    if result["FailureDetails"]:
        raise ApiError(210, result=result, rows=len(rows))
    return Answer(201, result, rows=len(rows))


def record(call: Call, mailing_list: MailingList, subscriber: Subscriber) -> dict[str, Any]:
    """Build the JSON of a subscriber, for one and for pages. Empty fields are absent."""
    shown: dict[str, Any] = {"EmailAddress": subscriber.email, "Name": subscriber.name}
    if call.tells_joined_date and subscriber.mobile:
        shown["MobileNumber"] = subscriber.mobile
    shown["Date"] = subscriber.changed
    if call.tells_joined_date:
        shown["ListJoinedDate"] = subscriber.joined
    shown |= {
        "State": subscriber.state,
        "CustomFields": _shown_fields(mailing_list, subscriber),
        "ReadsEmailWith": "",
    }
    if _asks(call, "includetrackingpreference", "includetrackinginformation"):
        shown["ConsentToTrack"] = subscriber.consent
    if subscriber.mobile and _asks(call, "includesmspreference"):
        shown["ConsentToSendSms"] = subscriber.sms
    return shown


def unsubscribe_subscribers(
    store: Store, change: Change, mailing_list: MailingList, subscribers: list[Subscriber], *, moment: str
) -> None:
    """Unsubscribe subscribers by the unsubscribe setting of the list."""
    for subscriber in subscribers:
        mailing_list.move(subscriber, UNSUBSCRIBED, moment)
    change.subscribers(mailing_list, subscribers)
    if mailing_list.unsubscribe_setting != ALL_LISTS:
        return
    client = store.clients[mailing_list.client_id]
    suppress(
        change, client, [subscriber.email for subscriber in subscribers], reason="Unsubscribed", moment=moment
    )
    keys = [key_of(subscriber.email) for subscriber in subscribers]
    for sibling in store.lists_of(client.id):
        if sibling is mailing_list or not sibling.applies_suppressions:
            continue
        found = [sibling.subscribers[key] for key in keys if key in sibling.subscribers]
        if moved := [each for each in found if each.state not in {UNSUBSCRIBED, DELETED}]:
            for each in moved:
                sibling.move(each, UNSUBSCRIBED, moment)
            change.subscribers(sibling, moved)


def suppress(change: Change, client: Client, emails: list[str], *, reason: str, moment: str) -> None:
    """Add addresses to the suppression list of a client; those on it keep their first reason."""
    added = {key_of(email): Suppression(email.strip(), reason, moment) for email in emails}
    added = {key: each for key, each in added.items() if key not in client.suppressions}
    client.suppressions |= added
    change.suppressed(client, added.values())


def _read(call: Call, mailing_list: MailingList, body: Body) -> ParsedRow:
    reader = RowReader(mailing_list, consent_required=call.consent_required, parameter="subscriber")
    return reader.read(body.values)


def _subscriber(call: Call, mailing_list: MailingList) -> Subscriber:
    return _find(mailing_list, call.parameters.get("email", ""))


def _find(mailing_list: MailingList, email: str) -> Subscriber:
    if not is_address(email.strip()):
        raise ApiError(1)
    subscriber = mailing_list.subscribers.get(key_of(email))
    if subscriber is None:
        raise ApiError(203)
    return subscriber


def _check_pace(call: Call, mailing_list: MailingList, key: str) -> None:
    """Refuse quick repeated writes for one address, if that fault is active."""
    subscriber = mailing_list.subscribers.get(key)
    if (
        subscriber
        and subscriber.arrivals
        and call.faults.is_too_soon(subscriber.arrivals[-1][0], call.moment(mailing_list))
    ):
        raise ApiError(
            429, status=429, message="This subscriber was added too many times too quickly. Wait a little"
        )


def _shown_fields(mailing_list: MailingList, subscriber: Subscriber) -> list[dict[str, str]]:
    """Build the values of custom fields by field name, an entry for each option."""
    return [
        {"Key": field.name, "Value": value}
        for field in mailing_list.fields.values()
        if field.id in subscriber.fields
        for value in shown_values(subscriber.fields[field.id])
    ]


def _asks(call: Call, *flags: str) -> bool:
    return any(call.flag(each) for each in flags)


def _rows(body: Body) -> list[Any]:
    rows = body.values.get("subscribers")
    if rows is None:
        raise ApiError(212)
    if not isinstance(rows, list):
        raise cannot_read(body.parameter)
    if not rows:
        raise ApiError(212)
    if len(rows) > MOST_ROWS:
        raise ApiError(209, rows=len(rows))
    return rows


def _distinct(
    rows: list[Any], mailing_list: MailingList, *, consent_required: bool
) -> tuple[dict[str, ParsedRow], list[str]]:
    """Parse the rows, the last of each address in any case, and return repeated addresses. Which row wins is not
    documented."""
    reader = RowReader(mailing_list, consent_required=consent_required, parameter="subscribers")
    subscribers: dict[str, ParsedRow] = {}
    repeated: dict[str, str] = {}
    for row in rows:
        parsed = reader.read(row)
        if parsed.key in subscribers:
            repeated[parsed.key] = subscribers[parsed.key].email
        subscribers[parsed.key] = parsed
    return subscribers, list(repeated.values())


def _upsert_rows(
    call: Call, mailing_list: MailingList, subscribers: dict[str, ParsedRow], *, resubscribe: bool, by: str
) -> dict[str, Any]:
    refusals = call.faults.refused_emails(subscribers)
    with call.store.change() as change:
        if call.store.lists.get(mailing_list.id) is not mailing_list:
            raise ApiError(101, status=401)  # it was deleted while the rows were parsed
        upserter = Upserter(
            call.store, change, mailing_list, by=by, resubscribe=resubscribe, moment=call.moment(mailing_list)
        )
        for key, parsed in subscribers.items():
            if key in refusals:
                upserter.refuse(parsed, *refusals[key])
            elif parsed.code:
                upserter.refuse(parsed, parsed.code)
            else:
                upserter.upsert(parsed)
        result = upserter.finish()
    failures = call.faults.rewrite_failures(result.failures)
    return {
        "FailureDetails": [*failures, *call.faults.added_failures(call.method, call.path)],
        "TotalUniqueEmailsSubmitted": len(subscribers),
        "TotalExistingSubscribers": result.existing,
        "TotalNewSubscribers": result.new,
        "DuplicateEmailsInSubmission": [],
    }

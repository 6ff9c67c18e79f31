"""Answer calls about lists: settings, statistics, subscribers by state, custom fields, webhooks."""

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

from connections.destinations.campaign_monitor.sandbox import webhook_calls
from connections.destinations.campaign_monitor.sandbox.api.subscribers import record, suppress
from connections.destinations.campaign_monitor.sandbox.calls import LISTS, SUBSCRIBERS, Body, Call, Paging, route
from connections.destinations.campaign_monitor.sandbox.http_messages import Answer, ApiError, NotFound
from connections.destinations.campaign_monitor.sandbox.model import (
    ACTIVE,
    ALL_LISTS,
    BOUNCED,
    DELETED,
    SCOPES,
    STATES,
    UNSUBSCRIBED,
    Client,
    CustomField,
    MailingList,
    Webhook,
    key_of,
)
from connections.destinations.campaign_monitor.sandbox.rows import (
    DATA_TYPES,
    LONGEST_NAME,
    WITH_OPTIONS,
    options_of,
)

_STATS = {
    ACTIVE: ("TotalActiveSubscribers", "NewActiveSubscribers"),
    UNSUBSCRIBED: ("TotalUnsubscribes", "Unsubscribes"),
    DELETED: ("TotalDeleted", "Deleted"),
    BOUNCED: ("TotalBounces", "Bounces"),
}
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2})?)?)?")
_FORMATS = {"json": "Json", "xml": "Xml"}


@route("POST", "/lists/<client>", scopes=LISTS)
def create(call: Call, client: Client) -> Answer:
    """Create a list; the ID in the path is the client's."""
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
    """Change the settings of a list, and synchronize it with the suppression list if asked to."""
    body = Body.of(call, "list")
    _check(call, mailing_list, body)
    with call.store.change() as change:
        _set(mailing_list, body)
        change.list(mailing_list)
        client = call.store.clients[mailing_list.client_id]
        moment = client.now()
        subscribers = mailing_list.subscribers.values()
        if body.flag("AddUnsubscribesToSuppList"):
            gone = [subscriber.email for subscriber in subscribers if subscriber.state == UNSUBSCRIBED]
            suppress(change, client, gone, reason="Unsubscribed", moment=moment)
        if body.flag("ScrubActiveWithSuppList"):
            scrubbed = [
                each for each in subscribers if each.state == ACTIVE and key_of(each.email) in client.suppressions
            ]
            for subscriber in scrubbed:
                mailing_list.move(subscriber, DELETED, moment)
            change.subscribers(mailing_list, scrubbed)
    return Answer()


@route("DELETE", "/lists/<list>", scopes=LISTS)
def delete(call: Call, mailing_list: MailingList) -> Answer:
    """Delete a list with its subscribers."""
    with call.store.change() as change:
        del call.store.lists[mailing_list.id]
        change.list_gone(mailing_list)
    return Answer()


@route("GET", "/lists/<list>/stats")
def stats(call: Call, mailing_list: MailingList) -> Answer:
    """Return 24 figures: subscribers by state, and changes by day in the client's time zone."""
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
    """Return no segments: the sandbox stores none."""
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


@route("GET", "/lists/<list>/(?P<state>active|unconfirmed|unsubscribed|bounced|deleted)", scopes=SUBSCRIBERS)
def subscribers(call: Call, mailing_list: MailingList, state: str) -> Answer:
    """Return a page of the subscribers in a state, or that came into it on or after ``date``."""
    paging = Paging.of(call, "email", "name", "date")
    since = call.parameters.get("date", "").strip()
    if not _MOMENT.fullmatch(since):
        raise ApiError(400, message="Failed to deserialize your request. Fields in error: date")
    named = _STATES[state.lower()]
    order = paging.order
    found = mailing_list.since(named, order, since) if since else mailing_list.in_order(named, order)
    return paging.envelope(found, lambda subscriber: record(call, mailing_list, subscriber))


@route("GET", "/lists/<list>/customfields")
def custom_fields(_call: Call, mailing_list: MailingList) -> Answer:
    return Answer(
        value=[
            {
                "FieldName": field.name,
                "Key": field.key,
                "DataType": field.data_type,
                "FieldOptions": options_of(field),
                "VisibleInPreferenceCenter": field.visible,
            }
            for field in mailing_list.fields.values()
        ]
    )


@route("POST", "/lists/<list>/customfields", scopes=LISTS)
def create_field(call: Call, mailing_list: MailingList) -> Answer:
    """Create a custom field; the answer is its key."""
    body = Body.of(call, "customField")
    name = _free_name(mailing_list, body)
    data_type = next((each for each in DATA_TYPES if each.lower() == body.text("DataType").lower()), "")
    options = _distinct(body.texts("Options"))
    if not data_type:
        raise ApiError(259)
    if data_type not in WITH_OPTIONS and options:
        raise ApiError(256)
    if data_type in WITH_OPTIONS and not options:
        raise ApiError(257)
    field = CustomField(
        id=str(mailing_list.next_field),
        name=name,
        data_type=data_type,
        options=options,
        visible=body.flag("VisibleInPreferenceCenter", True),
    )
    mailing_list.next_field += 1
    mailing_list.fields[field.id] = field
    _save_fields(call, mailing_list)
    return Answer(201, field.key)


@route("PUT", "/lists/<list>/customfields/<key>", scopes=LISTS)
def rename_field(call: Call, mailing_list: MailingList, key: str) -> Answer:
    """Rename a custom field, which changes its key; the answer is the new key."""
    field = _field(mailing_list, key)
    body = Body.of(call, "customField")
    field.name = _free_name(mailing_list, body, other_than=field)
    field.visible = body.flag("VisibleInPreferenceCenter", field.visible)
    _save_fields(call, mailing_list)
    return Answer(value=field.key)


@route("PUT", "/lists/<list>/customfields/<key>/options", scopes=LISTS)
def update_options(call: Call, mailing_list: MailingList, key: str) -> Answer:
    """Replace or extend the options of a custom field. Values of subscribers stay."""
    field = _field(mailing_list, key)
    body = Body.of(call, "customField")
    options = body.texts("Options")
    if field.data_type not in WITH_OPTIONS:
        raise ApiError(256)
    if body.flag("KeepExistingOptions"):
        options = [*field.options, *options]
    if not options:
        raise ApiError(257)
    field.options = _distinct(options)
    _save_fields(call, mailing_list)
    return Answer()


@route("DELETE", "/lists/<list>/customfields/<key>", scopes=LISTS)
def delete_field(call: Call, mailing_list: MailingList, key: str) -> Answer:
    """Delete a custom field with all values."""
    del mailing_list.fields[_field(mailing_list, key).id]
    _save_fields(call, mailing_list)
    return Answer()


def _field(mailing_list: MailingList, key: str) -> CustomField:
    """Find a custom field by its key, which needs brackets in a path."""
    bracketed = key.startswith("[") and key.endswith("]")
    field = mailing_list.field_by_key(key) if bracketed else None
    if field is None:
        raise ApiError(253)
    return field


def _free_name(mailing_list: MailingList, body: Body, other_than: CustomField | None = None) -> str:
    name = body.text("FieldName").strip()
    if not name or len(name) > LONGEST_NAME:
        raise ApiError(254)
    existing = mailing_list.field_by_key(name)
    if existing is not None and existing is not other_than:
        raise ApiError(255)
    return name


def _distinct(options: list[str]) -> list[str]:
    return list(dict.fromkeys(option.strip() for option in options if option.strip()))


def _save_fields(call: Call, mailing_list: MailingList) -> None:
    mailing_list.forget_spellings()
    with call.store.change() as change:
        change.list(mailing_list)


@route("GET", "/lists/<list>/webhooks", scopes=LISTS)
def webhooks(_call: Call, mailing_list: MailingList) -> Answer:
    return Answer(
        value=[
            {
                "WebhookID": each.id,
                "Events": each.events,
                "Url": each.url,
                "Status": "Active" if each.active else "Deactivated",
                "PayloadFormat": each.payload_format,
            }
            for each in mailing_list.webhooks.values()
        ]
    )


@route("POST", "/lists/<list>/webhooks", scopes=LISTS)
def create_webhook(call: Call, mailing_list: MailingList) -> Answer:
    body = Body.of(call, "webhook")
    url, payload_format = body.text("Url"), _FORMATS.get(body.text("PayloadFormat").lower())
    events = body.texts("Events")
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
        raise ApiError(601)
    if payload_format is None:
        raise ApiError(602)
    if not events or not set(events) <= set(webhook_calls.EVENTS):
        raise ApiError(603)
    webhook = Webhook(id=uuid4().hex, events=events, url=url, payload_format=payload_format)
    mailing_list.webhooks[webhook.id] = webhook
    _save_webhooks(call, mailing_list)
    return Answer(201, webhook.id)


@route("GET", "/lists/<list>/webhooks/<webhook_id>/test", scopes=LISTS, exclusive=False)
def send_test_webhook(_call: Call, mailing_list: MailingList, webhook_id: str) -> Answer:
    """Call the webhook with a sample of each of its events."""
    webhook = _webhook(mailing_list, webhook_id)
    events = [webhook_calls.sample(mailing_list, kind) for kind in webhook.events]
    status, error = webhook_calls.post(webhook.url, webhook_calls.payload(mailing_list, events))
    if 200 <= status < 300:
        return Answer()
    raise ApiError(
        610,
        result={
            "FailureStatus": "ProtocolError" if status else "ConnectFailure",
            "FailureResponseMessage": error,
            "FailureResponseCode": str(status or ""),
            "FailureResponse": "",
        },
    )


@route("PUT", "/lists/<list>/webhooks/<webhook_id>/(?P<verb>activate|deactivate)", scopes=LISTS)
def switch_webhook(call: Call, mailing_list: MailingList, webhook_id: str, verb: str) -> Answer:
    _webhook(mailing_list, webhook_id).active = verb.lower() == "activate"
    _save_webhooks(call, mailing_list)
    return Answer()


@route("DELETE", "/lists/<list>/webhooks/<webhook_id>", scopes=LISTS)
def delete_webhook(call: Call, mailing_list: MailingList, webhook_id: str) -> Answer:
    del mailing_list.webhooks[_webhook(mailing_list, webhook_id).id]
    _save_webhooks(call, mailing_list)
    return Answer()


def _webhook(mailing_list: MailingList, webhook_id: str) -> Webhook:
    found = mailing_list.webhooks.get(webhook_id.lower())
    if found is None:
        raise NotFound
    return found


def _save_webhooks(call: Call, mailing_list: MailingList) -> None:
    with call.store.change() as change:
        change.list(mailing_list)

"""Webhooks are kept and shown. This sandbox calls nobody, and its test says so."""

from urllib.parse import urlsplit
from uuid import uuid4

from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError, NotFound
from connections.destinations.campaign_monitor.sandbox.calls import Body, Call
from connections.destinations.campaign_monitor.sandbox.model import MailingList, Webhook
from connections.destinations.campaign_monitor.sandbox.routes import LISTS, route

_EVENTS = ("Subscribe", "Update", "Deactivate")
_FORMATS = {"json": "Json", "xml": "Xml"}


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
def create(call: Call, mailing_list: MailingList) -> Answer:
    body = Body.of(call, "webhook")
    url, payload_format = body.text("Url"), _FORMATS.get(body.text("PayloadFormat").lower())
    events = body.texts("Events")
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
        raise ApiError(601)
    if payload_format is None:
        raise ApiError(602)
    if not events or not set(events) <= set(_EVENTS):
        raise ApiError(603)
    webhook = Webhook(id=uuid4().hex, events=events, url=url, payload_format=payload_format)
    mailing_list.webhooks[webhook.id] = webhook
    _keep(call, mailing_list)
    return Answer(201, webhook.id)


@route("GET", "/lists/<list>/webhooks/<webhook_id>/test", scopes=LISTS)
def test(_call: Call, mailing_list: MailingList, webhook_id: str) -> Answer:
    _webhook(mailing_list, webhook_id)
    raise ApiError(
        610,
        result={
            "FailureStatus": "NotSent",
            "FailureResponseMessage": "The sandbox sends no webhooks",
            "FailureResponseCode": "",
            "FailureResponse": "",
        },
    )


@route("PUT", "/lists/<list>/webhooks/<webhook_id>/(?P<verb>activate|deactivate)", scopes=LISTS)
def switch(call: Call, mailing_list: MailingList, webhook_id: str, verb: str) -> Answer:
    _webhook(mailing_list, webhook_id).active = verb.lower() == "activate"
    _keep(call, mailing_list)
    return Answer()


@route("DELETE", "/lists/<list>/webhooks/<webhook_id>", scopes=LISTS)
def delete(call: Call, mailing_list: MailingList, webhook_id: str) -> Answer:
    del mailing_list.webhooks[_webhook(mailing_list, webhook_id).id]
    _keep(call, mailing_list)
    return Answer()


def _webhook(mailing_list: MailingList, webhook_id: str) -> Webhook:
    found = mailing_list.webhooks.get(webhook_id.lower())
    if found is None:
        raise NotFound
    return found


def _keep(call: Call, mailing_list: MailingList) -> None:
    with call.store.change() as change:
        change.list(mailing_list)

"""Build and read what concerns webhooks of lists, without I/O: their registration, and the calls that they make.

Vendor documentation: https://www.campaignmonitor.com/api/v3-3/webhooks/. A call has no signature: any program that
knows the address can make one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connections.destinations.campaign_monitor import wire
from connections.destinations.campaign_monitor.responses import Answer, error_of, is_foreign, not_from_vendor
from connections.destinations.subscribers import RegisteredWebhook, WebhookCall

# Changes of data are no news: an export sends what it holds itself.
_EVENTS = ("Subscribe", "Deactivate")
_MOST_EVENTS = 1000
_LONGEST_ADDRESS = 254
_NOT_FOUND = 404


def webhook_body(address: str) -> bytes:
    """Build the body that creates a webhook."""
    return orjson.dumps({"Events": list(_EVENTS), "Url": address, "PayloadFormat": "json"})


def read_webhooks(answer: Answer) -> list[RegisteredWebhook]:
    """Read the webhooks of a list."""
    return [
        RegisteredWebhook(str(row["WebhookID"]), str(row["Url"]), str(row["Status"]).lower() == "active")
        for row in wire.read_rows(answer)
    ]


def read_new_webhook(answer: Answer) -> str:
    """Read the ID of a created webhook."""
    return wire.read_text(answer)


def read_done(answer: Answer, *, may_be_gone: bool = False) -> None:
    """Check the response to a change of a webhook; success has no body. A web page comes from another program."""
    if answer.status == _NOT_FOUND and may_be_gone and not is_foreign(answer):
        return
    if answer.status < 300 and is_foreign(answer):
        raise not_from_vendor(answer)
    if answer.status >= 300:
        raise error_of(answer, wire.content_of(answer), batch=False)


def read_call(body: bytes) -> WebhookCall | None:
    """Read a call; None when it is not one."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(content, dict) or not isinstance(content.get("ListID"), str):
        return None
    events = content.get("Events")
    if not isinstance(events, list) or len(events) > _MOST_EVENTS:
        return None
    return WebhookCall(content["ListID"].lower(), _emails(events, "Deactivate"), _emails(events, "Subscribe"))


def _emails(events: Sequence[Any], kind: str) -> list[str]:
    named = [each for each in events if isinstance(each, Mapping) and each.get("Type") == kind]
    emails = (each.get("EmailAddress") for each in named)
    return [
        each.strip().lower()
        for each in emails
        if isinstance(each, str) and len(each) <= _LONGEST_ADDRESS and "\x00" not in each
    ]

"""Call the webhooks of lists: build the payloads, and post them from a thread of their own.

Shapes are those of the vendor's documentation: a call has the events of one list, 1,000 at most. A call without an
answer of the status 200 to 299 is repeated twice. Faults let calls get lost, come twice or come late.
"""

import queue
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from connections.destinations.campaign_monitor.sandbox.model import MailingList, Subscriber, Webhook
from connections.destinations.campaign_monitor.sandbox.rows import shown_values

MOST_EVENTS = 1000
SUBSCRIBE, UPDATE, DEACTIVATE = EVENTS = ("Subscribe", "Update", "Deactivate")
_TRIES = 3
_SECONDS_BETWEEN = 0.5
_TIMEOUT_SECONDS = 10
_KEPT = 200
# Webhooks that are called are on this machine or the internet: no proxy, no redirects to elsewhere.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class WebhookFaults:
    """What happens to calls from now on: every one is lost, repeated so often, or late by so many seconds."""

    lost: bool = False
    times: int = 1
    late_seconds: float = 0.0


@dataclass(frozen=True)
class SentCall:
    """A call that was made. ``status`` 0: there was no answer."""

    url: str
    events: int
    status: int
    error: str = ""


class WebhookCalls:
    """Makes the calls, in their order."""

    def __init__(self) -> None:
        self.faults = WebhookFaults()
        self._sent: deque[SentCall] = deque(maxlen=_KEPT)
        self._waiting: queue.Queue[tuple[str, bytes, int]] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._unfinished = 0

    def notify(self, mailing_list: MailingList, noted: Sequence[tuple[str, Subscriber, str]]) -> None:
        """Let the webhooks of a list be called for events."""
        for webhook in mailing_list.webhooks.values():
            if not webhook.active:
                continue
            events = [event(mailing_list, *each) for each in noted if each[0] in webhook.events]
            for start in range(0, len(events), MOST_EVENTS):
                part = events[start : start + MOST_EVENTS]
                self._put(webhook, payload(mailing_list, part), len(part))

    def clear(self) -> None:
        """Forget faults and the calls that were made."""
        self.faults = WebhookFaults()
        self._sent.clear()

    def as_json(self) -> dict[str, Any]:
        """Return the last calls, the newest first, how many are still to be made, and the faults."""
        return {
            "sent": [asdict(each) for each in self._sent],
            "waiting": self._unfinished,
            "faults": asdict(self.faults),
        }

    def _put(self, webhook: Webhook, body: bytes, events: int) -> None:
        if self.faults.lost:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)
            self._thread.start()
        for _time in range(self.faults.times):
            self._unfinished += 1
            self._waiting.put((webhook.url, body, events))

    def _work(self) -> None:
        while True:
            url, body, events = self._waiting.get()
            time.sleep(self.faults.late_seconds)
            self._sent.appendleft(self._make(url, body, events))
            self._unfinished -= 1

    def _make(self, url: str, body: bytes, events: int) -> SentCall:
        status, error = 0, ""
        for tried in range(_TRIES):
            time.sleep(_SECONDS_BETWEEN * tried)
            status, error = post(url, body)
            if 200 <= status < 300:
                break
        return SentCall(url, events, status, error)


def post(url: str, body: bytes) -> tuple[int, str]:
    """Post a payload. Returns the status of the answer (0: none) and what went wrong."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        with _opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return int(answer.status), ""
    except urllib.error.HTTPError as refused:
        return refused.code, str(refused.reason)
    except (OSError, ValueError) as error:
        return 0, str(error)


def payload(mailing_list: MailingList, events: Iterable[dict[str, Any]]) -> bytes:
    """Build the body of a call."""
    return orjson.dumps({"ListID": mailing_list.id, "Events": list(events)})


def event(mailing_list: MailingList, kind: str, subscriber: Subscriber, old_email: str) -> dict[str, Any]:
    """Build one event, with the values that the subscriber has now."""
    shown: dict[str, Any] = {
        "Type": kind,
        "Date": subscriber.changed,
        "EmailAddress": subscriber.email,
        "Name": subscriber.name,
        "CustomFields": [
            {"Key": field.name, "Value": value}
            for field in mailing_list.fields.values()
            if field.id in subscriber.fields
            for value in shown_values(subscriber.fields[field.id])
        ],
    }
    if kind == SUBSCRIBE:
        return shown | {"SignupIPAddress": "API"}
    if kind == UPDATE:
        shown["OldEmailAddress"] = old_email or subscriber.email
    return shown | {"State": subscriber.state}


def sample(mailing_list: MailingList, kind: str) -> dict[str, Any]:
    """Build the event of a test."""
    moment = "2026-01-01 00:00:00"
    state = "Unsubscribed" if kind == DEACTIVATE else "Active"
    person = Subscriber("test@example.com", "Test", {}, state, "", moment, moment, 0, ())
    return event(mailing_list, kind, person, "")

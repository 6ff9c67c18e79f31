"""Upsert parsed rows into a list: add, update, or refuse by the state of the subscriber."""

from dataclasses import dataclass, field
from typing import Any

from connections.destinations.campaign_monitor.sandbox.http_messages import MESSAGES
from connections.destinations.campaign_monitor.sandbox.model import (
    ACTIVE,
    BOUNCED,
    DELETED,
    UNCONFIRMED,
    UNSUBSCRIBED,
    Arrival,
    Client,
    MailingList,
    Subscriber,
    with_arrival,
)
from connections.destinations.campaign_monitor.sandbox.rows import ParsedRow
from connections.destinations.campaign_monitor.sandbox.store import Change, Store

_REFUSED_BY_STATE = {DELETED: 205, UNSUBSCRIBED: 206, BOUNCED: 207, UNCONFIRMED: 208}


@dataclass
class UpsertResult:
    """The counts and failures of a request, each address counted once."""

    new: int = 0
    existing: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, email: str, code: int, message: str = "") -> None:
        self.failures.append({"EmailAddress": email, "Code": code, "Message": message or MESSAGES[code]})


class Upserter:
    """Upserts rows into a list, within one change of the store."""

    def __init__(
        self, store: Store, change: Change, mailing_list: MailingList, *, by: str, resubscribe: bool, moment: str
    ) -> None:
        self.list = mailing_list
        self.client: Client = store.clients[mailing_list.client_id]
        self.siblings = [
            each
            for each in store.lists.values()
            if each.client_id == mailing_list.client_id and each is not mailing_list and each.subscribers
        ]
        self.change = change
        self.by, self.resubscribe, self.moment = by, resubscribe, moment
        self.result = UpsertResult()
        self._state = UNCONFIRMED if mailing_list.confirmed_opt_in else ACTIVE
        self._first_arrival: tuple[Arrival, ...] = ((moment, by, 0),)
        # People who came together so far share their arrivals, and do so from now on.
        self._histories: dict[tuple[int, int], tuple[tuple[Arrival, ...], tuple[Arrival, ...]]] = {}
        self._new: dict[str, Subscriber] = {}
        self._touched: list[Subscriber] = []
        self._siblings_touched: dict[str, list[Subscriber]] = {}

    def upsert(self, parsed: ParsedRow) -> None:
        """Add or update the subscriber of a valid row, or refuse it by its state."""
        subscriber = self.list.subscribers.get(parsed.key)
        if subscriber is None:
            self._add_new(parsed)
            return
        code = 0 if self.resubscribe else self.refusal(subscriber, parsed.key)
        self._record_arrival(subscriber, code)
        if code:
            self.result.refuse(parsed.email, code)
            return
        self.apply(subscriber, parsed)
        self.list.note("Update", subscriber)
        if subscriber.state != ACTIVE:
            self._resubscribe(subscriber)
        self.result.existing += 1

    def refuse(self, parsed: ParsedRow, code: int, message: str = "") -> None:
        """Refuse a row for its own error. A subscriber on the list keeps the arrival."""
        if subscriber := self.list.subscribers.get(parsed.key):
            self._record_arrival(subscriber, code)
        self.result.refuse(parsed.email, code, message)

    def finish(self) -> UpsertResult:
        """Write everything that changed; call it once, at the end."""
        if self._new:
            self.list.add_many(self._new, self._state, self.moment)
        subscribers = [*self._new.values(), *self._touched]
        if subscribers:
            self.change.subscribers(self.list, subscribers)
        for sibling in self.siblings:
            if touched := self._siblings_touched.get(sibling.id):
                self.change.subscribers(sibling, touched)
        return self.result

    def refusal(self, subscriber: Subscriber, key: str) -> int:
        """Return why a subscriber is refused without Resubscribe, or 0. Its state is checked before the
        suppression list."""
        if subscriber.state != ACTIVE:
            return _REFUSED_BY_STATE[subscriber.state]
        if self.list.applies_suppressions and key in self.client.suppressions:
            return 204
        return 0

    def apply(self, subscriber: Subscriber, parsed: ParsedRow, *, replace_choices: bool = False) -> None:
        """Write the values of a row to a subscriber."""
        # What stays the same stays the same object: otherwise memory falls to pieces, and the caches with it.
        if parsed.name is not None and parsed.name != subscriber.name:
            subscriber.name = parsed.name
        fields = subscriber.fields
        for field_id, value in parsed.changes.items():
            if fields.get(field_id) != value:
                fields[field_id] = value
        if parsed.choices:
            _choose(subscriber.fields, parsed.choices, replace=replace_choices)
        if parsed.clears:
            subscriber.fields = {key: value for key, value in subscriber.fields.items() if value != ""}
        if parsed.mobile is not None:
            subscriber.mobile = parsed.mobile
        if parsed.sms and subscriber.mobile:
            subscriber.sms = parsed.sms
        if parsed.consent and parsed.consent != subscriber.consent:
            subscriber.consent = parsed.consent
            self._share_consent(parsed)

    def update(self, subscriber: Subscriber, parsed: ParsedRow, *, old_email: str = "") -> None:
        """Update a subscriber in any state; without Resubscribe the state stays."""
        self._record_arrival(subscriber, 0)
        self.apply(subscriber, parsed, replace_choices=True)
        self.list.note("Update", subscriber, old_email)
        if self.resubscribe and subscriber.state != ACTIVE:
            self._resubscribe(subscriber)
        self.result.existing += 1

    def _add_new(self, parsed: ParsedRow) -> None:
        changes = parsed.changes
        if parsed.clears or parsed.choices:
            changes = {key: value for key, value in changes.items() if value != ""}
            _choose(changes, parsed.choices or [], replace=False)
        subscriber = Subscriber(
            parsed.email,
            parsed.name or "",
            changes,
            self._state,
            parsed.consent,
            self.moment,
            self.moment,
            1,
            self._first_arrival,
            parsed.mobile or "",
            parsed.sms if parsed.mobile else "",
        )
        if self.siblings:
            if parsed.consent:
                self._share_consent(parsed)
            else:
                subscriber.consent = self._known_consent(parsed.key)
        self._new[parsed.key] = subscriber
        self.result.new += 1

    def _record_arrival(self, subscriber: Subscriber, code: int) -> None:
        """Record that the subscriber was received, and with which code."""
        subscriber.received += 1
        self._touched.append(subscriber)
        before = subscriber.arrivals
        known = self._histories.get((id(before), code))
        if known is None:
            # ``before`` is kept too, so that its id is not given to another meanwhile.
            known = before, with_arrival(before, (self.moment, self.by, code))
            self._histories[id(before), code] = known
        subscriber.arrivals = known[1]

    def _resubscribe(self, subscriber: Subscriber) -> None:
        """Set the state of a list's new subscribers. On a list with confirmed opt-in that is Unconfirmed, also for
        those that were; the vendor does not document this case."""
        self.list.move(subscriber, self._state, self.moment)

    def _known_consent(self, key: str) -> str:
        """Return the consent of an address on other lists of the client, which share it."""
        known = (sibling.subscribers[key].consent for sibling in self.siblings if key in sibling.subscribers)
        return next((consent for consent in known if consent), "")

    def _share_consent(self, parsed: ParsedRow) -> None:
        for sibling in self.siblings:
            subscriber = sibling.subscribers.get(parsed.key)
            if subscriber is not None and subscriber.consent != parsed.consent:
                subscriber.consent = parsed.consent
                self._siblings_touched.setdefault(sibling.id, []).append(subscriber)


def _choose(fields: dict[str, Any], choices: list[tuple[str, str, bool]], *, replace: bool) -> None:
    """Change options of multi-select fields. Add and import extend the options; an update replaces them."""
    if replace:
        for field_id in {field_id for field_id, _option, clear in choices if not clear}:
            fields.pop(field_id, None)
    for field_id, option, clear in choices:
        chosen: list[str] = fields.get(field_id, [])
        if clear:
            chosen = [each for each in chosen if each != option] if option else []
        elif option not in chosen:
            chosen = [*chosen, option]
        if chosen:
            fields[field_id] = chosen
        else:
            fields.pop(field_id, None)

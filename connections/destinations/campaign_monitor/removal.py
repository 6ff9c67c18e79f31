"""Remove subscribers from a list, add them again when they rejoin the segments, and restore removed ones.

There is no bulk removal: a subscriber is looked up and then deleted or unsubscribed, in two calls. Only active
ones are removed: deleting an unsubscribed one would lose the unsubscribe. Marks are written by an import for each
batch, which is refused for those that are not active. The contacts that became active after the export added them
are read from the list first, by the page: each of them is looked up. An import adds contacts that the list does
not hold, so such contacts are deleted again.

To restore, each contact is looked up, and written only while the list holds it as the removal left it. An
unsubscribed one is restored only if the list dates that to the moments of our own call: nothing else tells our
unsubscribe from the contact's own.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from operator import itemgetter
from typing import Any, Protocol

import orjson
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor import error_codes, wire
from connections.destinations.campaign_monitor.client import Client
from connections.destinations.campaign_monitor.subscriber_values import bare_key
from connections.destinations.errors import PermanentError
from connections.destinations.values import (
    ALREADY_REMOVED,
    FOUND_THERE,
    MARK_CHANGED,
    NOT_ACTIVE,
    NOT_ON_LIST,
    ON_LIST_AGAIN,
    OWN_UNSUBSCRIBE,
    BatchOperation,
    BatchReceipt,
    Mark,
    ProfileRefusal,
    RefusalKind,
    RemovalTrace,
    Sending,
    SendSettings,
)

# Seconds by which a list may be late to write who joined: for whether a contact was added, and for whether they
# were put on it later. Clocks and dates are in whole seconds.
_SLOW = 120
_A_SECOND = 1
# Seconds between the time zones farthest apart.
_ZONES_APART = 26 * 3600
# Subscribers on a page of a list, and how many pages are read instead of looking each contact up.
_PAGE = 1000
_MOST_PAGES = 5
_BRINGS_ABOUT = {BatchOperation.DELETE: wire.DELETED, BatchOperation.UNSUBSCRIBE: wire.UNSUBSCRIBED}
# What a payload keeps for the look before it is sent; it does not go out.
_UNSUBSCRIBED, _MARK = "UnsubscribedBetween", "Mark"


@dataclass(frozen=True)
class RemovalCandidate:
    """A contact to be removed. Dates of a list, and the clock they are compared with, are in the time zone of
    its client. Where that is unknown the clock is in the account's: then nearly all seem to have joined at
    another time than they were sent, and stay."""

    email: str
    first_sent: Sending

    @classmethod
    def read(cls, payload: str) -> "RemovalCandidate":
        email, *first_sent = orjson.loads(payload)
        return cls(email, Sending(*first_sent))

    def joined_while_sent(self, joined: str, *, seconds_late: int) -> bool:
        """Tell whether a list date lies within the sending or so many seconds after; where its end is not known,
        whether it lies after its beginning."""
        since, until = self.first_sent.since, self.first_sent.until
        return since <= joined and (not until or joined <= _later(until, seconds_late))

    @property
    def earliest_end(self) -> str:
        """Return the end of the sending by the clock of the list; the earliest possible end where the time zone of
        the list is not known; empty where the end is not known."""
        until = self.first_sent.until
        if not until:
            return ""
        return _later(until, _SLOW if self.first_sent.zone_known else -_ZONES_APART)

    def signed_up_again(self, found: wire.Subscriber) -> bool:
        """Tell whether an active subscriber became active later than we last added it: the contact had left the
        list, and signed up without us. A subscriber in its first state did not, in whichever time zone the list
        is."""
        if found.since <= _later(found.joined, _SLOW):
            return False
        since, until = self.first_sent.since, self.first_sent.until
        known = self.first_sent.zone_known
        return not (known and since and until and since <= found.since <= _later(until, _SLOW))


class ImportRows(Protocol):
    """Imports rows into the list of the batch."""

    def __call__(self, chosen: Sequence[str], *, resubscribe: bool) -> BatchReceipt: ...


def payload(email: str, first_sent: Sending) -> str:
    """Build the payload of a contact to remove."""
    sent = first_sent
    return orjson.dumps([email, sent.since, sent.until, sent.added_by_us, sent.zone_known]).decode()


def restore_payload(sent: str, trace: RemovalTrace) -> str:
    """Build the payload of a contact to restore, with the trace of its removal."""
    person = orjson.loads(sent)
    for key in (_UNSUBSCRIBED, _MARK):
        person.pop(key, None)
    if trace.since and trace.until:
        person[_UNSUBSCRIBED] = [trace.since, trace.until]
    if trace.mark:
        person[_MARK] = [trace.mark.field_key, trace.mark.value]
    return orjson.dumps(person).decode()


def payload_without_mark(payload: str, mark: Mark) -> str:
    """Return an import row with the field of the mark cleared, unless another value fills it by now."""
    person = orjson.loads(payload)
    if any(entry["Key"] == mark.field_key and entry["Value"] for entry in person.get("CustomFields", ())):
        return payload
    cleared = {"Key": mark.field_key, "Value": "", "Clear": True}
    others = [entry for entry in person.get("CustomFields", ()) if entry["Key"] != mark.field_key]
    return orjson.dumps(person | {"CustomFields": [*others, cleared]}).decode()


def readd_deleted(import_rows: ImportRows, payloads: Sequence[str]) -> BatchReceipt:
    """Import contacts of which some are deleted: those that are refused for that alone are imported again, with
    Resubscribe. Contacts that have unsubscribed meanwhile are refused, and stay unsubscribed."""
    first = import_rows(payloads, resubscribe=False)
    deleted = {_spelled(each.email) for each in first.refusals if each.code == str(error_codes.DELETED)}
    again = {
        email: payload
        for payload in payloads
        if (email := _spelled(orjson.loads(payload)["EmailAddress"])) in deleted
    }
    if not again:
        return replace(first, added_again=())
    second = import_rows(list(again.values()), resubscribe=True)
    others = [refusal for refusal in first.refusals if _spelled(refusal.email) not in again]
    added = [str(orjson.loads(payload)["EmailAddress"]) for payload in again.values()]
    return replace(add_up(first, second, [*others, *second.refusals]), added_again=added)


class Remover:
    """Removes the contacts of a batch."""

    def __init__(self, client: Client, settings: SendSettings) -> None:
        self._client, self._settings = client, settings
        self._list_id = settings.list_id

    def remove(self, payloads: Sequence[str]) -> BatchReceipt:
        """Remove the contacts. The receipt names those that were not removed, and why. Raises what the client
        raises; repeated, it finds contacts removed before in the state that the removal leads to."""
        started = time.monotonic()
        candidates = [RemovalCandidate.read(each) for each in payloads]
        if self._settings.operation == BatchOperation.MARK:
            return self._mark(candidates)
        refusals = [refusal for candidate in candidates if (refusal := self._remove_one(candidate))]
        return BatchReceipt(
            new=0,
            existing=len(candidates) - len(refusals),
            refusals=refusals,
            http_status=200,
            seconds=time.monotonic() - started,
            bytes_sent=0,
        )

    def _remove_one(self, candidate: RemovalCandidate) -> ProfileRefusal | None:
        if refusal := self._why_not(candidate):
            return refusal
        by_unsubscribing = self._settings.operation == BatchOperation.UNSUBSCRIBE
        remove = self._client.unsubscribe if by_unsubscribing else self._client.delete_subscriber
        return None if remove(self._list_id, candidate.email) else _suppressed(candidate, NOT_ON_LIST)

    def _why_not(self, candidate: RemovalCandidate) -> ProfileRefusal | None:
        """Return why a contact is not to be removed, by its present state on the list."""
        found = self._client.subscriber(self._list_id, candidate.email)
        if found is None:
            return _suppressed(candidate, NOT_ON_LIST)
        if not candidate.first_sent.added_by_us and not candidate.joined_while_sent(
            found.joined, seconds_late=_SLOW
        ):
            return _suppressed(candidate, FOUND_THERE)
        if found.state == _BRINGS_ABOUT.get(self._settings.operation):
            return _suppressed(candidate, ALREADY_REMOVED)
        if found.state == wire.ACTIVE and candidate.signed_up_again(found):
            return _suppressed(candidate, FOUND_THERE)
        return None if found.state == wire.ACTIVE else _suppressed(candidate, NOT_ACTIVE)

    def _mark(self, candidates: Sequence[RemovalCandidate]) -> BatchReceipt:
        kept = [refusal for candidate in self._to_look_up(candidates) if (refusal := self._why_not(candidate))]
        retained = {refusal.email for refusal in kept}
        marked = [candidate for candidate in candidates if candidate.email not in retained]
        if not marked:
            return BatchReceipt(0, 0, kept, http_status=200, seconds=0.0, bytes_sent=0)
        again = self._settings.again and bool(self._settings.began)
        receipt = self._client.import_subscribers(self._list_id, [self._marked(each) for each in marked])
        most = len(marked) if again else receipt.new  # contacts that were added before count as existing by now
        since = self._settings.began if again else ""  # else their number tells
        deleted_again = self._delete_added_by_mark(marked, since, most=most) if most else []
        return replace(receipt, new=0, refusals=[*kept, *receipt.refusals, *deleted_again])

    def _to_look_up(self, candidates: Sequence[RemovalCandidate]) -> Sequence[RemovalCandidate]:
        """Find the contacts who may not be marked unseen: those that the export is not known to have added,
        and those that became active later. All of them, where the list has too many of these."""
        ends = [candidate.earliest_end for candidate in candidates if candidate.first_sent.added_by_us]
        if not all(ends):
            return candidates
        active_later = self._active_since(min(ends)) if ends else set()
        if active_later is None:
            return candidates
        return [
            candidate
            for candidate in candidates
            if not candidate.first_sent.added_by_us or candidate.email.lower() in active_later
        ]

    def _active_since(self, moment: str) -> set[str] | None:
        """Read the addresses of those who became active at that moment or later; None when they fill more than
        _MOST_PAGES pages."""
        found: set[str] = set()
        for page in range(1, _MOST_PAGES + 1):
            rows = self._client.latest_active(self._list_id, moment, page)
            found |= {row.email.lower() for row in rows if row.since >= moment}
            if len(rows) < _PAGE or rows[-1].since < moment:
                return found
        return None

    def _marked(self, candidate: RemovalCandidate) -> str:
        mark = self._settings.mark
        if mark is None:
            raise PermanentError(
                _("No field is chosen for contacts who left the segments."), code="mark_not_chosen"
            )
        field = {"Key": mark.field_key, "Value": mark.value}
        row = {"EmailAddress": candidate.email, "CustomFields": [field], "ConsentToTrack": "Unchanged"}
        return orjson.dumps(row).decode()

    def _delete_added_by_mark(
        self, marked: Sequence[RemovalCandidate], since: str, *, most: int
    ) -> list[ProfileRefusal]:
        """Delete contacts that the mark alone has added to the list: their address had been changed there. They
        are at most as many as the response says are new, the last that joined, and not while the export added
        them; others may have joined in the same second. After a lost response (``since``) only dates tell: where
        no date fits, they are of another time zone, and none is deleted."""
        found = [(self._client.subscriber(self._list_id, candidate.email), candidate) for candidate in marked]
        joined = [(person.joined, candidate) for person, candidate in found if person]
        as_sent = [
            candidate
            for at, candidate in joined
            if candidate.first_sent.until and candidate.joined_while_sent(at, seconds_late=_A_SECOND)
        ]
        if since and not as_sent:
            return []
        later = [(at, candidate) for at, candidate in joined if at >= since and candidate not in as_sent]
        put_on = [candidate for _at, candidate in sorted(later, key=itemgetter(0), reverse=True)[:most]]
        for candidate in put_on:
            self._client.delete_subscriber(self._list_id, candidate.email)
        return [_suppressed(candidate, NOT_ON_LIST) for candidate in put_on]


def restore(
    client: Client, settings: SendSettings, import_rows: ImportRows, payloads: Sequence[str]
) -> BatchReceipt:
    """Look each contact up, and import those that are as the removal left them. Repeated, an active one was
    restored by the call whose response was lost."""
    chosen: dict[_RestoreAs, list[str]] = {how: [] for how in _RestoreAs}
    kept: list[ProfileRefusal] = []
    for each in payloads:
        person = orjson.loads(each)
        email = str(person["EmailAddress"])
        trace = _take_trace(person)
        found = _judge(client.subscriber(settings.list_id, email), trace, again=settings.again)
        if isinstance(found, _RestoreAs):
            chosen[found].append(orjson.dumps(person).decode())
        else:
            kept.append(ProfileRefusal(email, RefusalKind.SUPPRESSED, found, ""))
    receipt = BatchReceipt(0, 0, [], http_status=200, seconds=0.0, bytes_sent=0)
    if chosen[_RestoreAs.SEND]:
        receipt = add_up(receipt, import_rows(chosen[_RestoreAs.SEND], resubscribe=False))
    if chosen[_RestoreAs.ADD_AGAIN]:
        receipt = add_up(receipt, readd_deleted(import_rows, chosen[_RestoreAs.ADD_AGAIN]))
    if chosen[_RestoreAs.RESUBSCRIBE]:
        receipt = add_up(receipt, import_rows(chosen[_RestoreAs.RESUBSCRIBE], resubscribe=True))
    return replace(receipt, refusals=[*kept, *receipt.refusals])


def within(since: str, until: str, moment: str) -> bool:
    """Tell whether a list date is between these moments, as far as its clock and ours can be compared."""
    return _later(since, -_A_SECOND) <= moment <= _later(until, _SLOW)


def _later(moment: str, seconds: int) -> str:
    return str(datetime.fromisoformat(moment) + timedelta(seconds=seconds))


def _spelled(email: str) -> str:
    """Give an address in the form that is compared: a list may spell it in another case than it was sent."""
    return email.strip().lower()


def _suppressed(candidate: RemovalCandidate, code: str) -> ProfileRefusal:
    return ProfileRefusal(candidate.email, RefusalKind.SUPPRESSED, code, "")


def add_up(
    first: BatchReceipt, second: BatchReceipt, refusals: Sequence[ProfileRefusal] | None = None
) -> BatchReceipt:
    """Add up the receipts of two parts of a batch; ``refusals`` replaces those of both."""
    return BatchReceipt(
        new=first.new + second.new,
        existing=first.existing + second.existing,
        refusals=[*first.refusals, *second.refusals] if refusals is None else refusals,
        http_status=second.http_status,
        seconds=first.seconds + second.seconds,
        bytes_sent=first.bytes_sent + second.bytes_sent,
        unaccounted=first.unaccounted + second.unaccounted,
    )


class _RestoreAs(Enum):
    """How a contact is restored."""

    SEND = "send"  # is active; the data clear the mark
    ADD_AGAIN = "add_again"
    RESUBSCRIBE = "resubscribe"


def _take_trace(person: dict[str, Any]) -> RemovalTrace:
    """Remove the trace from the row, and return it."""
    since, until = person.pop(_UNSUBSCRIBED, ("", ""))
    mark = person.pop(_MARK, None)
    return RemovalTrace(since, until, Mark(*mark) if mark else None)


def _judge(found: wire.Subscriber | None, trace: RemovalTrace, *, again: bool) -> _RestoreAs | str:
    """Return how the contact is restored, or the code of why not."""
    if trace.mark:
        return _judge_marked(found, trace.mark, again=again)
    if trace.since:
        return _judge_unsubscribed(found, trace, again=again)
    if found is None or found.state == wire.DELETED:
        return _RestoreAs.ADD_AGAIN
    if found.state == wire.ACTIVE:
        return _RestoreAs.ADD_AGAIN if again else ON_LIST_AGAIN
    return NOT_ACTIVE


def _judge_marked(found: wire.Subscriber | None, mark: Mark, *, again: bool) -> _RestoreAs | str:
    if found is None or found.state != wire.ACTIVE:
        return NOT_ACTIVE
    values = found.values.get(bare_key(mark.field_key), frozenset())
    cleared_before = again and not values
    return _RestoreAs.SEND if values == {mark.value} or cleared_before else MARK_CHANGED


def _judge_unsubscribed(found: wire.Subscriber | None, trace: RemovalTrace, *, again: bool) -> _RestoreAs | str:
    if found is None:
        return NOT_ACTIVE
    if found.state == wire.ACTIVE:
        return _RestoreAs.SEND if again else ON_LIST_AGAIN
    if found.state != wire.UNSUBSCRIBED:
        return NOT_ACTIVE
    return _RestoreAs.RESUBSCRIBE if within(trace.since, trace.until, found.since) else OWN_UNSUBSCRIBE

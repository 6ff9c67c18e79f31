"""Remove subscribers from a list, and add them again when they come back.

There is no bulk removal: a subscriber is looked up and then deleted or unsubscribed, in two calls. Only active
ones are removed: deleting an unsubscribed one would wipe out the unsubscribe. Marks are written by an import
for each batch, which is refused for those that are not active. The contacts that became active after the export
added them are read from the list first, by the page: each of them is looked up. An import adds contacts that
the list does not hold, so such contacts are deleted again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Protocol

import orjson
from django.utils.translation import gettext as _

from connections.destinations.campaign_monitor import error_codes, wire
from connections.destinations.campaign_monitor.client import Client
from connections.destinations.errors import PermanentError
from connections.destinations.values import (
    ALREADY_REMOVED,
    FOUND_THERE,
    NOT_ACTIVE,
    NOT_ON_LIST,
    BatchOperation,
    BatchReceipt,
    Mark,
    ProfileRefusal,
    RefusalKind,
    Sending,
    SendSettings,
)

# Seconds by which a list may be late to write who joined: for whether somebody was brought, and for whether they
# were put on it later. Clocks and dates are in whole seconds.
_SLOW = 120
_A_SECOND = 1
# Seconds between the time zones farthest apart.
_ZONES_APART = 26 * 3600
# Subscribers on a page of a list, and how many pages are read instead of looking each contact up.
_PAGE = 1000
_MOST_PAGES = 5
_BRINGS_ABOUT = {BatchOperation.DELETE: wire.DELETED, BatchOperation.UNSUBSCRIBE: wire.UNSUBSCRIBED}


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
        """Whether that date, of the list, lies within the sending or so many seconds after; where its end is not
        known, whether it lies after its beginning."""
        since, until = self.first_sent.since, self.first_sent.until
        return since <= joined and (not until or joined <= _later(until, seconds_late))

    @property
    def earliest_end(self) -> str:
        """The end of the sending by the clock of the list; the earliest that it can be where the time zone of the
        list is not known; empty where the end is not known."""
        until = self.first_sent.until
        if not until:
            return ""
        return _later(until, _SLOW if self.first_sent.zone_known else -_ZONES_APART)

    def signed_up_again(self, found: wire.Subscriber) -> bool:
        """Whether an active subscriber came into that state later than we last added them: they had left the list,
        and signed up without us. Who is in the state in which they first joined did not, in whichever time zone
        the list is."""
        if found.since <= _later(found.joined, _SLOW):
            return False
        since, until = self.first_sent.since, self.first_sent.until
        known = self.first_sent.zone_known
        return not (known and since and until and since <= found.since <= _later(until, _SLOW))


def within(since: str, until: str, moment: str) -> bool:
    """Whether a list dates something to these moments, as far as its clock and ours can be compared."""
    return _later(since, -_A_SECOND) <= moment <= _later(until, _SLOW)


def _later(moment: str, seconds: int) -> str:
    return str(datetime.fromisoformat(moment) + timedelta(seconds=seconds))


def payload(email: str, first_sent: Sending) -> str:
    """One person to be removed, as a batch holds them."""
    sent = first_sent
    return orjson.dumps([email, sent.since, sent.until, sent.added_by_us, sent.zone_known]).decode()


def welcomed_back(payload: str, mark: Mark) -> str:
    """A subscriber of an import, with the field of the mark cleared, unless something else fills it by now."""
    person = orjson.loads(payload)
    if any(entry["Key"] == mark.field_key and entry["Value"] for entry in person.get("CustomFields", ())):
        return payload
    cleared = {"Key": mark.field_key, "Value": "", "Clear": True}
    others = [entry for entry in person.get("CustomFields", ()) if entry["Key"] != mark.field_key]
    return orjson.dumps(person | {"CustomFields": [*others, cleared]}).decode()


class Take(Protocol):
    """An import over one line."""

    def __call__(self, chosen: Sequence[str], *, resubscribe: bool) -> BatchReceipt: ...


def bring_back(take: Take, payloads: Sequence[str]) -> BatchReceipt:
    """Import contacts of which some are deleted: those that are refused for that alone are imported once more,
    with Resubscribe. Contacts that have unsubscribed meanwhile are refused for that, and stay so."""
    first = take(payloads, resubscribe=False)
    deleted = {_spelled(each.email) for each in first.refusals if each.code == str(error_codes.DELETED)}
    again = {
        email: payload
        for payload in payloads
        if (email := _spelled(orjson.loads(payload)["EmailAddress"])) in deleted
    }
    if not again:
        return replace(first, added_again=())
    second = take(list(again.values()), resubscribe=True)
    others = [refusal for refusal in first.refusals if _spelled(refusal.email) not in again]
    added = [str(orjson.loads(payload)["EmailAddress"]) for payload in again.values()]
    return replace(add_up(first, second, [*others, *second.refusals]), added_again=added)


def _spelled(email: str) -> str:
    """Give an address in the form that is compared: a list may spell it in another case than it was sent."""
    return email.strip().lower()


class Remover:
    """Does a removal to a batch of leavers over one line."""

    def __init__(self, client: Client, settings: SendSettings) -> None:
        self._client, self._settings = client, settings
        self._list_id = settings.list_id

    def remove(self, payloads: Sequence[str]) -> BatchReceipt:
        """The receipt names who was not removed, and why. Raises what the client raises; asked again, it finds who
        was removed before in the very state that it brings about."""
        started = time.monotonic()
        leavers = [RemovalCandidate.read(each) for each in payloads]
        if self._settings.operation == BatchOperation.MARK:
            return self._mark(leavers)
        refusals = [refusal for leaver in leavers if (refusal := self._take_off(leaver))]
        return BatchReceipt(
            new=0,
            existing=len(leavers) - len(refusals),
            refusals=refusals,
            http_status=200,
            seconds=time.monotonic() - started,
            bytes_sent=0,
        )

    def _take_off(self, leaver: RemovalCandidate) -> ProfileRefusal | None:
        if refusal := self._why_not(leaver):
            return refusal
        by_unsubscribing = self._settings.operation == BatchOperation.UNSUBSCRIBE
        take_off = self._client.unsubscribe if by_unsubscribing else self._client.delete_subscriber
        return None if take_off(self._list_id, leaver.email) else _suppressed(leaver, NOT_ON_LIST)

    def _why_not(self, leaver: RemovalCandidate) -> ProfileRefusal | None:
        """Why this person is not to be removed, as the list holds them now."""
        found = self._client.subscriber(self._list_id, leaver.email)
        if found is None:
            return _suppressed(leaver, NOT_ON_LIST)
        if not leaver.first_sent.added_by_us and not leaver.joined_while_sent(found.joined, seconds_late=_SLOW):
            return _suppressed(leaver, FOUND_THERE)
        if found.state == _BRINGS_ABOUT.get(self._settings.operation):
            return _suppressed(leaver, ALREADY_REMOVED)
        if found.state == wire.ACTIVE and leaver.signed_up_again(found):
            return _suppressed(leaver, FOUND_THERE)
        return None if found.state == wire.ACTIVE else _suppressed(leaver, NOT_ACTIVE)

    def _mark(self, leavers: Sequence[RemovalCandidate]) -> BatchReceipt:
        kept = [refusal for leaver in self._to_look_up(leavers) if (refusal := self._why_not(leaver))]
        retained = {refusal.email for refusal in kept}
        marked = [leaver for leaver in leavers if leaver.email not in retained]
        if not marked:
            return BatchReceipt(0, 0, kept, http_status=200, seconds=0.0, bytes_sent=0)
        again = self._settings.again and bool(self._settings.began)
        receipt = self._client.import_subscribers(self._list_id, [self._marked(each) for each in marked])
        most = len(marked) if again else receipt.new  # whoever was put on before counts as existing by now
        since = self._settings.began if again else ""  # else their number tells
        gone = self._take_back(marked, since, most=most) if most else []
        return replace(receipt, new=0, refusals=[*kept, *receipt.refusals, *gone])

    def _to_look_up(self, leavers: Sequence[RemovalCandidate]) -> Sequence[RemovalCandidate]:
        """Find the contacts who may not be marked unseen: those that the export is not known to have added,
        and those that became active later. All of them, where the list has too many of these."""
        ends = [leaver.earliest_end for leaver in leavers if leaver.first_sent.added_by_us]
        if not all(ends):
            return leavers
        active_later = self._active_since(min(ends)) if ends else set()
        if active_later is None:
            return leavers
        return [
            leaver
            for leaver in leavers
            if not leaver.first_sent.added_by_us or leaver.email.lower() in active_later
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

    def _marked(self, leaver: RemovalCandidate) -> str:
        mark = self._settings.mark
        if mark is None:
            raise PermanentError(
                _("No field is chosen for contacts who left the segments."), code="mark_not_chosen"
            )
        field = {"Key": mark.field_key, "Value": mark.value}
        row = {"EmailAddress": leaver.email, "CustomFields": [field], "ConsentToTrack": "Unchanged"}
        return orjson.dumps(row).decode()

    def _take_back(self, marked: Sequence[RemovalCandidate], since: str, *, most: int) -> list[ProfileRefusal]:
        """Delete contacts that the mark alone has put on the list: their address had been changed there. They
        are at most as many as the answer says are new, the last that joined, and not while the export added
        them; others may have joined in the same second. After a lost answer (``since``) only dates tell:
        where no date fits, they are of another time zone, and none is deleted."""
        found = [(self._client.subscriber(self._list_id, leaver.email), leaver) for leaver in marked]
        joined = [(person.joined, leaver) for person, leaver in found if person]
        as_sent = [leaver for at, leaver in joined if leaver.first_sent.until and _fits(leaver, at)]
        if since and not as_sent:
            return []
        later = [(at, leaver) for at, leaver in joined if at >= since and leaver not in as_sent]
        put_on = [leaver for _at, leaver in sorted(later, key=itemgetter(0), reverse=True)[:most]]
        for leaver in put_on:
            self._client.delete_subscriber(self._list_id, leaver.email)
        return [_suppressed(leaver, NOT_ON_LIST) for leaver in put_on]


def _fits(leaver: RemovalCandidate, joined: str) -> bool:
    return leaver.joined_while_sent(joined, seconds_late=_A_SECOND)


def _suppressed(leaver: RemovalCandidate, code: str) -> ProfileRefusal:
    return ProfileRefusal(leaver.email, RefusalKind.SUPPRESSED, code, "")


def add_up(
    first: BatchReceipt, second: BatchReceipt, refusals: Sequence[ProfileRefusal] | None = None
) -> BatchReceipt:
    """Add up the answers to two parts of a batch; ``refusals`` where not all of both count."""
    return BatchReceipt(
        new=first.new + second.new,
        existing=first.existing + second.existing,
        refusals=[*first.refusals, *second.refusals] if refusals is None else refusals,
        http_status=second.http_status,
        seconds=first.seconds + second.seconds,
        bytes_sent=first.bytes_sent + second.bytes_sent,
        unaccounted=first.unaccounted + second.unaccounted,
    )

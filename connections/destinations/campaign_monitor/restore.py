"""Restoring subscribers that an export removed: each is looked up first, and written only while the list holds the
contact as the removal left it.

Who was unsubscribed is restored only if the list dates that to the moments of our own call: nothing else tells our
unsubscribe from the contact's own.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

import orjson

from connections.destinations.campaign_monitor import removal, wire
from connections.destinations.campaign_monitor.client import Client
from connections.destinations.values import (
    MARK_CHANGED,
    NOT_ACTIVE,
    ON_LIST_AGAIN,
    OWN_UNSUBSCRIBE,
    BatchReceipt,
    Mark,
    ProfileRefusal,
    RefusalKind,
    RemovalTrace,
    SendSettings,
)

# What a payload keeps for the look before it is sent; it does not go out.
_UNSUBSCRIBED, _MARK = "UnsubscribedBetween", "Mark"


class _How(Enum):
    """How a contact is restored."""

    SEND = "send"  # is active; the data clear the mark
    ADD_AGAIN = "add_again"
    RESUBSCRIBE = "resubscribe"


def payload(sent: str, trace: RemovalTrace) -> str:
    """Write one contact to restore, with the trace of its removal."""
    person = orjson.loads(sent)
    for key in (_UNSUBSCRIBED, _MARK):
        person.pop(key, None)
    if trace.since and trace.until:
        person[_UNSUBSCRIBED] = [trace.since, trace.until]
    if trace.mark:
        person[_MARK] = [trace.mark.field_key, trace.mark.value]
    return orjson.dumps(person).decode()


def restore(client: Client, settings: SendSettings, take: removal.Take, payloads: Sequence[str]) -> BatchReceipt:
    """Look each contact up and import those who are as the removal left them. Asked again, who is active was
    restored by the call that was not answered."""
    chosen: dict[_How, list[str]] = {how: [] for how in _How}
    kept: list[ProfileRefusal] = []
    for each in payloads:
        person = orjson.loads(each)
        email = str(person["EmailAddress"])
        trace = _take_trace(person)
        found = _judge(client.subscriber(settings.list_id, email), trace, again=settings.again)
        if isinstance(found, _How):
            chosen[found].append(orjson.dumps(person).decode())
        else:
            kept.append(ProfileRefusal(email, RefusalKind.SUPPRESSED, found, ""))
    receipt = BatchReceipt(0, 0, [], http_status=200, seconds=0.0, bytes_sent=0)
    if chosen[_How.SEND]:
        receipt = removal.add_up(receipt, take(chosen[_How.SEND], resubscribe=False))
    if chosen[_How.ADD_AGAIN]:
        receipt = removal.add_up(receipt, removal.bring_back(take, chosen[_How.ADD_AGAIN]))
    if chosen[_How.RESUBSCRIBE]:
        receipt = removal.add_up(receipt, take(chosen[_How.RESUBSCRIBE], resubscribe=True))
    return replace(receipt, refusals=[*kept, *receipt.refusals])


def _take_trace(person: dict[str, Any]) -> RemovalTrace:
    """Take the trace out of what is sent."""
    since, until = person.pop(_UNSUBSCRIBED, ("", ""))
    mark = person.pop(_MARK, None)
    return RemovalTrace(since, until, Mark(*mark) if mark else None)


def _judge(found: wire.Subscriber | None, trace: RemovalTrace, *, again: bool) -> _How | str:
    """How the contact is restored, or the code of why not."""
    if trace.mark:
        return _judge_marked(found, trace.mark, again=again)
    if trace.since:
        return _judge_unsubscribed(found, trace, again=again)
    if found is None or found.state == wire.DELETED:
        return _How.ADD_AGAIN
    if found.state == wire.ACTIVE:
        return _How.ADD_AGAIN if again else ON_LIST_AGAIN
    return NOT_ACTIVE


def _judge_marked(found: wire.Subscriber | None, mark: Mark, *, again: bool) -> _How | str:
    if found is None or found.state != wire.ACTIVE:
        return NOT_ACTIVE
    values = found.values.get(wire.bare_key(mark.field_key), frozenset())
    cleared_before = again and not values
    return _How.SEND if values == {mark.value} or cleared_before else MARK_CHANGED


def _judge_unsubscribed(found: wire.Subscriber | None, trace: RemovalTrace, *, again: bool) -> _How | str:
    if found is None:
        return NOT_ACTIVE
    if found.state == wire.ACTIVE:
        return _How.SEND if again else ON_LIST_AGAIN
    if found.state != wire.UNSUBSCRIBED:
        return NOT_ACTIVE
    return _How.RESUBSCRIBE if removal.within(trace.since, trace.until, found.since) else OWN_UNSUBSCRIBE

"""Look at a list: read which subscribers left it, and which became active again, since the last look.

A look is due some minutes after the one before, or at once when a webhook said that something changed. What
counts is what the list shows; so a lost, late, repeated or forged webhook changes only the moment of a look.

A look continues where a killed worker left it. While a look reads many pages of active subscribers, those who left
the list are read again when a webhook asks for it, after each such page at most. So webhooks that come all the
time do not keep a look from its end; what they ask for last is left to the next look, which begins at once.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, Value, When

from config.platform.jobs import clock, leases
from config.platform.jobs.leases import HeldLease
from connections import credentials
from connections.destinations.subscribers import INACTIVE, ListedState, SubscriberPage
from connections.models import Connection
from exports.feedback import list_jobs, listed_states, watches
from exports.feedback.list_jobs import ListReading
from exports.feedback.positions import Position
from exports.models import ListWatch, StatusSource

logger = logging.getLogger(__name__)

# Who left the list comes first.
_ORDER = (*INACTIVE, ListedState.ACTIVE)
# How long a watch waits for a connection that cannot be used.
_WITHOUT_CONNECTION_SECONDS = 60


def look(watch_id: int) -> bool:
    """Look at a list for one slice, if that is due and no other worker does. Returns whether there is more to read
    at once."""
    watch = leases.claim(ListWatch(pk=watch_id)) if watch_id in watches.due() else None
    return watch is not None and list_jobs.work(watch, _READING)


def _read_for_a_while(watch: ListWatch, lease: HeldLease, connection: Connection) -> bool:
    """Read pages until the look is complete, or the time of a slice is over. Returns whether there is more."""
    access = credentials.access(connection)
    until = time.monotonic() + settings.SLICE_SECONDS
    if watch.began_at is None:
        _begin(watch)
    with connection.destination.open_reader(access) as reader:
        for listed, position in _steps(watch):
            lease.check()
            page = reader.read(watch.list_state.list_id, listed, position.page, since=position.since[:10])
            _record(watch, listed, position, page)
            if time.monotonic() > until:
                leases.release(watch)
                return True
            connection.refresh_from_db(fields=["paused_at"])
    leases.update_if_owner(watch, **_completed(watch), lease_until=None)
    watch.refresh_from_db(fields=["asked_at"])
    return watch.asked_at is not None


def _record(watch: ListWatch, listed: ListedState, position: Position, page: SubscriberPage) -> None:
    """Record a page, and how far the look has come with it."""
    rows = [row for row in page.rows if row.since >= position.since]
    source = StatusSource.WEBHOOK if watch.by_webhook else StatusSource.POLL
    listed_states.record_page(watch.list_state, listed, rows, source=source, began=_began(watch))
    # Who is active is a matter of changes: all that were so before the first look need no reading.
    first = listed is ListedState.ACTIVE and not position.seen
    _keep(watch, listed, position.after(page, _began(watch), only_newest=first))


def _steps(watch: ListWatch) -> Iterator[tuple[ListedState, Position]]:
    """Yield what to read next, until all of the present look is read."""
    is_after_active = False
    while True:
        waiting = ((listed, _position(watch, listed)) for listed in _ORDER)
        found = next(((listed, position) for listed, position in waiting if position.page), None)
        if found is None:
            return
        watch.refresh_from_db(fields=["asked_at"])
        if watch.asked_at is not None and found[0] is ListedState.ACTIVE and is_after_active:
            is_after_active = False
            _start_again(watch)
            continue
        is_after_active = found[0] is ListedState.ACTIVE
        yield found


def _begin(watch: ListWatch) -> None:
    now = clock.now()
    positions = {listed.value: _position(watch, listed).start(listed, now).to_json() for listed in _ORDER}
    leases.update_if_owner(
        watch, began_at=now, by_webhook=watch.asked_at is not None, asked_at=None, positions=positions
    )


def _start_again(watch: ListWatch) -> None:
    """Read again who left the list, since a webhook asked for it during the look."""
    now = clock.now()
    again = {listed.value: _position(watch, listed).start(listed, now).to_json() for listed in INACTIVE}
    leases.update_if_owner(watch, by_webhook=True, asked_at=None, positions={**watch.positions, **again})


def _keep(watch: ListWatch, listed: ListedState, position: Position) -> None:
    leases.update_if_owner(watch, positions={**watch.positions, listed.value: position.to_json()})


def _position(watch: ListWatch, listed: ListedState) -> Position:
    return Position.from_json(watch.positions.get(listed.value))


def _began(watch: ListWatch) -> datetime:
    return watch.began_at or clock.now()


def _completed(watch: ListWatch) -> dict[str, Any]:
    now = clock.now()
    later = Value(now + timedelta(seconds=settings.LIST_POLL_SECONDS))
    # A webhook may ask at any moment, even now.
    due_at = Case(When(asked_at=None, then=later), default=Value(now))
    return {"looked_at": watch.began_at, "began_at": None, "due_at": due_at, "tries": 0, "message": ""}


def _wait_for_connection(job: ListWatch, why: str) -> None:
    list_jobs.wait(job, _WITHOUT_CONNECTION_SECONDS, why)


# What an account refuses may be possible later: a list that is gone, or a new key.
_READING: ListReading[ListWatch] = ListReading(
    read=_read_for_a_while,
    wait=list_jobs.wait,
    unusable=_wait_for_connection,
    refused=list_jobs.try_again,
    try_again=list_jobs.try_again,
)

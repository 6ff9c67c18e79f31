"""Stop requests once the lease deadline has passed: until when the holder of a lease may send, by its own clocks.

A fence on rows does not stop a request. So before every request the sender checks a deadline that needs no
database: the stamp of the last confirmed renewal, plus the length of the lease, minus a margin.

A deadline belongs to the code that runs in its block, so that access to a connection carries the guard without
an argument (see connections/credentials.py).
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

from django.conf import settings

MARGIN_SECONDS = 5.0
# Short leases, which tests use, keep a quarter of their length as the margin.
_MARGIN_SHARE = 0.25
# The clock that also runs while the machine sleeps; systems without it have a monotonic one.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True)
class Stamp:
    """One reading of both clocks, in seconds: since boot, sleep included, and since 1970."""

    boot: float
    wall: float

    @classmethod
    def now(cls) -> Self:
        """Read both clocks."""
        return cls(time.clock_gettime(_BOOT_CLOCK), time.time())


class LeaseDeadline:
    """Tell whether requests may still be sent. Any thread may ask."""

    def __init__(
        self,
        stamp: Stamp | None,
        lease_seconds: float,
        read_clocks: Callable[[], Stamp] = Stamp.now,
        *,
        patience_seconds: float = 0.0,
    ) -> None:
        """``stamp`` was read before the lease was taken; None while no renewal is confirmed. ``patience_seconds``
        is how long a sender waits for a renewal that is late, before it gives up."""
        self._stamp = stamp
        self._seconds = lease_seconds - min(MARGIN_SECONDS, lease_seconds * _MARGIN_SHARE)
        self._read_clocks = read_clocks
        self._patience_seconds = patience_seconds
        self._has_ended = False
        self._changed = threading.Condition()

    def renew(self, stamp: Stamp) -> None:
        """Count from ``stamp``, which was read before a renewal that the database has confirmed."""
        with self._changed:
            self._stamp = stamp
            self._changed.notify_all()

    def end(self) -> None:
        """Let the deadline have passed for good: another worker holds the lease."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def has_passed(self) -> bool:
        """Return whether either clock says so, or the wall clock stepped back behind the stamp."""
        stamp, now = self._stamp, self._read_clocks()
        if self._has_ended or stamp is None or now.wall < stamp.wall:
            return True
        return max(now.boot - stamp.boot, now.wall - stamp.wall) >= self._seconds

    def may_send(self) -> bool:
        """Return whether a request may leave now. Waits for a renewal that is late, for as long as the patience
        lasts."""
        if not self.has_passed():
            return True
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or not self.has_passed(), self._patience_seconds)
        return not self.has_passed()


class LeaseLost(Exception):
    """Another worker has claimed the job: stop at once and write nothing more."""


class LeaseExpired(LeaseLost):
    """The lease was not confirmed in time, so another worker may have claimed the job: send nothing more."""


_deadline: ContextVar[LeaseDeadline | None] = ContextVar("lease_deadline", default=None)


def current_guard() -> Callable[[], None]:
    """Return the guard of the code that runs now, for any thread to call. Without a deadline it never raises."""
    deadline = _deadline.get()

    def check_may_send() -> None:
        """Raises LeaseExpired when nothing may leave any more."""
        if deadline is not None and not deadline.may_send():
            raise LeaseExpired("the lease deadline has passed: nothing is sent any more")

    return check_may_send


@contextmanager
def limited_by(deadline: LeaseDeadline) -> Iterator[None]:
    """Guard all requests of the block by ``deadline``."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def within_one_lease() -> Iterator[None]:
    """Guard all requests of the block by the length of one lease from now on, for work that holds none, such as a
    test send: a process that was frozen sends nothing when it wakes."""
    with limited_by(LeaseDeadline(Stamp.now(), settings.LEASE_SECONDS)):
        yield

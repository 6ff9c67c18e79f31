"""The guard that every request to a vendor passes: it raises once the lease deadline has passed.

The deadline belongs to the code that runs in its block, so that access to a connection carries the guard without
being told (see connections/credentials.py).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings

from config.platform.jobs.deadline import LeaseDeadline, Stamp


class LeaseLost(Exception):
    """Another worker has claimed the job: stop at once and write nothing more."""


class LeaseExpired(LeaseLost):
    """The lease was not confirmed in time, so another worker may have claimed the job: send nothing more."""


_deadline: ContextVar[LeaseDeadline | None] = ContextVar("lease_deadline", default=None)


def current() -> Callable[[], None]:
    """The guard of the code that runs now, for any thread to call. Without a deadline it never raises."""
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

"""Compute how long to wait before trying again, and tell when a wait that is stored in a row is over.

No wait is longer than LONGEST_WAIT. A moment that lies further off was written by a clock that was ahead:
another machine's, or this one's before it was set right. Such a wait is over, or a run would stand still for
hours.
"""

import random
from datetime import datetime, timedelta

from django.db.models import Q

from config.platform.jobs import clock

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0


def seconds_before_attempt(attempt: int, *, asked: float | None = None, jitter: float | None = None) -> float:
    """Compute the seconds to wait after ``attempt`` (1, 2, …) failed: doubling, up to a minute, with jitter (a
    share between 0 and 1, random when not given) so that many waiters do not come back at once. Never less
    than the other side ``asked`` for."""
    ceiling = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(attempt - 1, 16))
    share = random.random() if jitter is None else jitter  # noqa: S311 - spreads load, guards nothing
    waited = ceiling * (0.5 + share / 2)
    return waited if asked is None else asked + waited / 4


LONGEST_WAIT = timedelta(minutes=15)


def wait_until(seconds: float) -> datetime:
    """Return the moment in ``seconds`` from now, at most LONGEST_WAIT away."""
    return clock.now() + min(timedelta(seconds=seconds), LONGEST_WAIT)


def wait_is_over(moment: datetime | None) -> bool:
    """Return whether a wait until ``moment`` is over; None is no wait."""
    return moment is None or not timedelta(0) < moment - clock.now() <= LONGEST_WAIT


def where_wait_is_over(field: str) -> Q:
    """Return the filter for rows whose wait until the moment in ``field`` is over."""
    now = clock.now()
    return Q(**{field: None}) | Q(**{f"{field}__lte": now}) | Q(**{f"{field}__gt": now + LONGEST_WAIT})

"""Store how long a job waits, as a moment in its row, and tell when that wait is over.

No wait is longer than LONGEST_WAIT. A moment that lies further off was written by a clock that was ahead:
another machine's, or this one's before it was set right. Such a wait is over, or a run would stand still for
hours.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from config.platform.jobs import clock

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

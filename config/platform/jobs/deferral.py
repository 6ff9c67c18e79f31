"""Moments until which something waits, kept in rows.

No wait is longer than LONGEST. A moment that lies further off was written by a clock that was ahead: another
machine's, or this one's before it was set right. Such a wait is over, or a run would stand still for hours.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from config.platform.jobs import clock

LONGEST = timedelta(minutes=15)


def until(seconds: float) -> datetime:
    """The moment in so many seconds, as far as waits go."""
    return clock.now() + min(timedelta(seconds=seconds), LONGEST)


def is_over(moment: datetime | None) -> bool:
    """Whether a wait until ``moment`` is over; None is no wait."""
    return moment is None or not timedelta(0) < moment - clock.now() <= LONGEST


def over(field: str) -> Q:
    """The rows whose wait until the moment in ``field`` is over."""
    now = clock.now()
    return Q(**{field: None}) | Q(**{f"{field}__lte": now}) | Q(**{f"{field}__gt": now + LONGEST})

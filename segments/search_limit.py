"""Limits and records searches of customers by people who see personal data masked, so that keys cannot be tried in
bulk without a trace."""

from datetime import datetime

from django.core.cache import cache

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock

MOST_PER_MINUTE = 30
_WINDOW = 600  # seconds; one entry of the audit for each that has a search


def allow(user: User) -> bool:
    """Count a search of ``user``; False when there were too many in this minute. The first search in ten minutes
    and the first that is refused in ten minutes are recorded, without the text: it may name a person."""
    now = clock.now()
    if _count(user, "recorded", now, _WINDOW) == 1:
        record("customers searched", user, by=user)
    if _count(user, "minute", now, 60) <= MOST_PER_MINUTE:
        return True
    if _count(user, "refused", now, _WINDOW) == 1:
        record("search limit reached", user, by=user)
    return False


def _count(user: User, what: str, now: datetime, seconds: int) -> int:
    """Count one more of ``what`` in this window of ``seconds``."""
    key = f"customer-search:{what}:{user.pk}:{int(now.timestamp()) // seconds}"
    cache.add(key, 0, timeout=2 * seconds)
    return int(cache.incr(key))

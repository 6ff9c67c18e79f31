"""Answer requests that wait for a job: when it has ended, or after some seconds."""

import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Annotated, TypeVar

from django.conf import settings
from pydantic import Field

MOST_SECONDS = 8  # clients and proxies commonly give up after ten
_LOOK_EVERY = 0.5
# Requests that wait hold a thread of this process each; half of the threads stay free for others.
_waiting = BoundedSemaphore(max(1, settings.WEB_THREADS // 2))
Wait = Annotated[int, Field(ge=0, le=MOST_SECONDS)]
JobT = TypeVar("JobT")


def look_until(look: Callable[[], JobT], has_ended: Callable[[JobT], bool], *, seconds: int) -> JobT:
    """Return what ``look`` returns once ``has_ended`` is true of it, or after so many seconds. Returns at once
    when too many requests wait."""
    until = time.monotonic() + seconds
    found = look()
    if not seconds or has_ended(found) or not _waiting.acquire(blocking=False):
        return found
    try:
        while not has_ended(found) and (left := until - time.monotonic()) > 0:
            time.sleep(min(_LOOK_EVERY, left))
            found = look()
    finally:
        _waiting.release()
    return found

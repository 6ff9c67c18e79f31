"""Clean up in small steps, each of them one short transaction. After some seconds the rest waits for the next
message, so that nothing else waits for it."""

import time
from collections.abc import Callable

SECONDS_PER_MESSAGE = 5.0


def for_a_while(step: Callable[[], bool], seconds: float = SECONDS_PER_MESSAGE) -> bool:
    """Call ``step``, which says whether it found something to do, until it finds nothing or the time is over;
    whether there is more to do."""
    ends_at = time.monotonic() + seconds
    while step():
        if time.monotonic() >= ends_at:
            return True
    return False

"""How long to wait before trying again. Pure."""

import random

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

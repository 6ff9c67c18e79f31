"""How many calls to keep in flight. Pure: told what happened and when, it says how many."""

# One call more has to bring at least this share of what it would bring if calls did not hinder each other.
_PAYS_FROM = 1 / 3
# After a rise that did not pay, so many looks pass before the next is tried.
_LOOKS_BEFORE_NEXT_TRY = 10
_ANSWERS_PER_STEP_BACK_UP = 2


class AdaptiveConcurrency:
    """Rises by one while that brings more answers a second, and halves at once on trouble; from there it climbs
    back quickly to where it was, a little less high each time that trouble strikes again on the way."""

    def __init__(self, *, start: int, maximum: int) -> None:
        self.maximum = max(1, maximum)
        self.level = max(1, min(start, self.maximum))
        self._goal = self.level  # where it was before trouble
        self._halved_at = float("-inf")
        self._rate_below: float | None = None  # answers a second with one call fewer
        self._looks_to_wait = 0
        self._answers = 0
        self._since: float | None = None

    def limit(self, maximum: int) -> None:
        """The most that is allowed from now on."""
        self.maximum = max(1, maximum)
        if self.level > self.maximum:
            self._move_to(self.maximum)

    def on_success(self, at: float) -> None:
        """A call was answered as it should be, at that second."""
        if self._since is None:
            self._since = at
            return
        self._answers += 1
        if self.level < min(self._goal, self.maximum):
            if self._answers >= _ANSWERS_PER_STEP_BACK_UP:
                self._move_to(self.level + 1, at)
        elif self._answers >= 2 * self.level and at > self._since:
            self._look(self._answers / (at - self._since), at)

    def on_error(self, at: float, *, sent_at: float) -> None:
        """A call was throttled, timed out or broke. Those sent before the last halving tell nothing new."""
        if sent_at <= self._halved_at:
            return
        self._goal = self.level if self.level >= self._goal else max(self.level, self._goal - 1)
        self._halved_at = at
        self._rate_below = None
        self._move_to(max(1, self.level // 2))

    def _look(self, rate: float, at: float) -> None:
        """Decide by the answers a second at this level."""
        if self._rate_below is not None and not self._pays(rate):
            self._rate_below, self._looks_to_wait = None, _LOOKS_BEFORE_NEXT_TRY
            self._goal = self.level - 1
            self._move_to(self.level - 1, at)
        elif self._looks_to_wait or self.level >= self.maximum:
            self._looks_to_wait = max(0, self._looks_to_wait - 1)
            self._move_to(self.level, at)
        else:
            self._rate_below = rate
            self._goal = self.level + 1
            self._move_to(self.level + 1, at)

    def _pays(self, rate: float) -> bool:
        assert self._rate_below is not None  # noqa: S101 - for the type checker
        return rate >= self._rate_below * (1 + _PAYS_FROM / (self.level - 1))

    def _move_to(self, level: int, at: float | None = None) -> None:
        self.level, self._answers, self._since = level, 0, at

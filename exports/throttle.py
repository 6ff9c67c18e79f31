"""How many calls to keep in flight. Pure: told what happened, it says how many."""


class Throttle:
    """Begins low, rises by one after as many good answers as calls in flight, and halves at once on trouble."""

    def __init__(self, *, start: int, maximum: int) -> None:
        self.maximum = max(1, maximum)
        self.level = max(1, min(start, self.maximum))
        self._good_in_a_row = 0

    def went_well(self) -> None:
        """A call was answered as it should be."""
        self._good_in_a_row += 1
        if self._good_in_a_row >= self.level and self.level < self.maximum:
            self.level += 1
            self._good_in_a_row = 0

    def had_trouble(self) -> None:
        """A call was throttled, timed out or broke."""
        self.level = max(1, self.level // 2)
        self._good_in_a_row = 0

"""Keep how far the looks at a list have come, for subscribers in one state.

A look reads the pages with the latest changes first, back to where the one before had come, and a little further:
subscribers may appear late on a list, and its clock is set back in autumn. How much further is less the longer ago
the latest change was read; so what a run has added is read once or twice, and not until something else changes.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connections.destinations.subscribers import ListedState, SubscriberPage

# So far back changes may appear late. Of active subscribers, runs may add a million in an hour.
_OVERLAP, _OVERLAP_OF_ACTIVE = timedelta(hours=2), timedelta(minutes=10)
# Before any subscription by email.
_THE_BEGINNING = "1970-01-01"


@dataclass(frozen=True)
class Position:
    """``seen``: the latest change that a complete look has read, by the list's own clock (empty before the first);
    ``seen_at``: when that look began, by ours. Of the present look ``page`` is to be read next (0: all is read),
    ``since`` is the moment back to which it reads, and ``newest`` the latest change that it has read."""

    seen: str = ""
    seen_at: str = ""
    page: int = 0
    since: str = ""
    newest: str = ""

    @classmethod
    def from_json(cls, kept: dict[str, Any] | None) -> "Position":
        return cls(**kept) if kept else cls()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def start(self, listed: ListedState, now: datetime) -> "Position":
        """Begin a look."""
        return replace(self, page=1, newest="", since=self._since(listed, now))

    def after(self, page: SubscriberPage, began: datetime, *, only_newest: bool = False) -> "Position":
        """Return the position after a page of a look was read; ``only_newest``: the first page is all it wants."""
        newest = self.newest or max((row.since for row in page.rows), default="")
        is_last = only_newest or self.page >= page.pages or not page.rows or page.rows[-1].since < self.since
        if not is_last:
            return replace(self, page=self.page + 1, newest=newest)
        if newest <= self.seen:
            return replace(self, page=0, newest="")
        return Position(seen=newest, seen_at=began.isoformat())

    def _since(self, listed: ListedState, now: datetime) -> str:
        if not self.seen:
            return _THE_BEGINNING
        overlap = _OVERLAP_OF_ACTIVE if listed is ListedState.ACTIVE else _OVERLAP
        try:
            passed = max(timedelta(0), now - datetime.fromisoformat(self.seen_at))
            return str(datetime.fromisoformat(self.seen) - max(timedelta(0), overlap - passed))
        except ValueError:
            return self.seen[: len(_THE_BEGINNING)]

"""Keep how far the looks at a list have come, for subscribers in one state.

A look reads the pages with the latest changes first, back to where the one before had come. It reads some hours
further: subscribers may appear late on a list, and its clock is set back in autumn.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connections.destinations.subscribers import SubscriberPage

_OVERLAP = timedelta(hours=2)
# So early nobody subscribed by email.
_THE_BEGINNING = "1970-01-01"


@dataclass(frozen=True)
class Position:
    """``seen``: the latest change that a complete look has read, by the list's own clock; empty before the first.
    ``page``: the page to read next; 0 when the present look has read all. ``newest``: the latest change that the
    present look has read."""

    seen: str = ""
    page: int = 0
    newest: str = ""

    @classmethod
    def from_json(cls, kept: dict[str, Any] | None) -> "Position":
        return cls(**kept) if kept else cls()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def since(self) -> str:
        """The moment back to which the present look reads."""
        if not self.seen:
            return _THE_BEGINNING
        try:
            return str(datetime.fromisoformat(self.seen) - _OVERLAP)
        except ValueError:
            return self.seen[: len(_THE_BEGINNING)]

    def start(self) -> "Position":
        """Begin a look."""
        return replace(self, page=1, newest="")

    def after(self, page: SubscriberPage, *, only_newest: bool = False) -> "Position":
        """Return the position after a page was read; ``only_newest``: no page but the first is wanted."""
        newest = self.newest or max((row.since for row in page.rows), default="")
        is_last = only_newest or self.page >= page.pages or not page.rows or page.rows[-1].since < self.since
        if is_last:
            return Position(seen=max(self.seen, newest))
        return replace(self, page=self.page + 1, newest=newest)

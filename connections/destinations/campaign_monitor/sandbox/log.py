"""What was called lately, and how much in all since the start or the last reset. In this process only."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

ENTRIES_KEPT = 500


@dataclass(slots=True)
class Entry:
    """One call of the API. ``status`` 0 means that it was never answered; ``code`` is the one in an error's
    envelope; ``fault`` names the rule that acted."""

    at: str
    method: str
    path: str
    status: int = 0
    code: int = 0
    ms: float = 0
    bytes_in: int = 0
    bytes_out: int = 0
    rows: int = 0
    caller: str = ""
    fault: str = ""


class Log:
    """The last calls, newest first, and totals."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self.clear()

    def clear(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_KEPT)
        self.totals: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()

    @contextmanager
    def one_more_under_way(self) -> Iterator[None]:
        """A call is being taken for as long as the block lasts."""
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._entries.appendleft(entry)
            self.totals["calls"] += 1
            if entry.rows:
                self.totals["rows"] += entry.rows
            if entry.path.endswith("/import.json"):
                self.totals["imports"] += 1
            self._statuses[str(entry.status)] += 1

    def entries(self, limit: int = ENTRIES_KEPT) -> list[Entry]:
        with self._lock:
            return list(self._entries)[:limit]

    def as_json(self, limit: int = ENTRIES_KEPT) -> dict[str, Any]:
        """``totals`` has calls, imports and rows; ``statuses`` how often each was answered; ``under_way`` is how
        many have come and not taken effect yet; ``cpu_seconds`` what this process used since it started."""
        with self._lock:
            totals = {name: self.totals[name] for name in ("calls", "imports", "rows")}
            statuses = dict(sorted(self._statuses.items()))
        return {
            "totals": totals,
            "statuses": statuses,
            "under_way": self._under_way,
            "cpu_seconds": time.process_time(),
            "requests": [asdict(entry) for entry in self.entries(limit)],
        }

"""Hold the state of a running sandbox: store, faults, call log, OAuth. The call log lives in memory."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from connections.destinations.campaign_monitor.sandbox.faults import Faults
from connections.destinations.campaign_monitor.sandbox.oauth import OAuthState
from connections.destinations.campaign_monitor.sandbox.store import Store

ENTRIES_KEPT = 500


@dataclass(slots=True)
class LoggedCall:
    """A call of the API. ``status`` 0: it was never answered; ``code`` is that of an error; ``fault`` the kind of
    the rule that acted."""

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


class CallLog:
    """The last calls, newest first, and totals since the start or the last reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self.clear()

    def clear(self) -> None:
        self._entries: deque[LoggedCall] = deque(maxlen=ENTRIES_KEPT)
        self.totals: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()

    @contextmanager
    def count_in_flight(self) -> Iterator[None]:
        """Count a call as in flight while the block runs."""
        with self._lock:
            self._in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def add(self, entry: LoggedCall) -> None:
        with self._lock:
            self._entries.appendleft(entry)
            self.totals["calls"] += 1
            if entry.rows:
                self.totals["rows"] += entry.rows
            if entry.path.endswith("/import.json"):
                self.totals["imports"] += 1
            self._statuses[str(entry.status)] += 1

    def entries(self, limit: int = ENTRIES_KEPT) -> list[LoggedCall]:
        with self._lock:
            return list(self._entries)[:limit]

    def as_json(self, limit: int = ENTRIES_KEPT) -> dict[str, Any]:
        """Return ``totals`` (calls, imports, rows), ``statuses`` (how often each was returned), ``under_way``
        (calls in flight that have not taken effect), ``cpu_seconds`` of this process, and the last
        ``requests``."""
        with self._lock:
            totals = {name: self.totals[name] for name in ("calls", "imports", "rows")}
            statuses = dict(sorted(self._statuses.items()))
        return {
            "totals": totals,
            "statuses": statuses,
            "under_way": self._in_flight,
            "cpu_seconds": time.process_time(),
            "requests": [asdict(entry) for entry in self.entries(limit)],
        }


@dataclass
class Sandbox:
    """The parts of a running sandbox. ``open_doors``: the control endpoints answer other machines too."""

    store: Store
    faults: Faults
    log: CallLog = field(default_factory=CallLog)
    oauth_state: OAuthState = field(default_factory=OAuthState)
    open_doors: bool = False

    @classmethod
    def on(cls, path: Path, *, latency_ms: float = 0, open_doors: bool = False) -> "Sandbox":
        """Open the sandbox with this journal file. Raises FileInUse."""
        return cls(Store(path), Faults(latency_ms), open_doors=open_doors)

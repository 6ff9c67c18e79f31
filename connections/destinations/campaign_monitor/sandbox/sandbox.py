"""Everything that one running sandbox is made of."""

from dataclasses import dataclass, field
from pathlib import Path

from connections.destinations.campaign_monitor.sandbox.faults import Faults
from connections.destinations.campaign_monitor.sandbox.log import Log
from connections.destinations.campaign_monitor.sandbox.oauth import Authorizing
from connections.destinations.campaign_monitor.sandbox.store import Store


@dataclass
class Sandbox:
    """``open_doors``: the doors under ``/_sandbox/`` answer other machines too."""

    store: Store
    faults: Faults
    log: Log = field(default_factory=Log)
    authorizing: Authorizing = field(default_factory=Authorizing)
    open_doors: bool = False

    @classmethod
    def on(cls, path: Path, *, latency_ms: float = 0, open_doors: bool = False) -> "Sandbox":
        """The sandbox that keeps its lists in this file; raises journal.FileInUse."""
        return cls(Store(path), Faults(latency_ms), open_doors=open_doors)

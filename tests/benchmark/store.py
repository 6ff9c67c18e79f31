"""``python -m tests.benchmark.store``: measures the profile store; STORE_ROWS=1000000, FULL=1 also at ten million.

Prints a table, writes VAR_DIR/bench-store.jsonl, ends with 1 when a bar does not hold.
"""

import os
import sys
from pathlib import Path

from rich.console import Console

from tests.benchmark import machine
from tests.benchmark.ground import ROOT, manage, own_ground
from tests.benchmark.results import Results

console = Console(stderr=True)
DEFAULT_ROWS = 1_000_000
FULL_ROWS = 10_000_000


def main() -> int:
    sizes = [int(os.environ.get("STORE_ROWS") or DEFAULT_ROWS)]
    if os.environ.get("FULL"):
        sizes.append(FULL_ROWS)
    kept = Path(os.environ.get("VAR_DIR") or ROOT / "var").absolute() / "bench-store.jsonl"
    results = Results()
    with own_ground() as folder:
        _prepare()
        from tests.benchmark.store_scenarios import StoreScenarios

        stolen = machine.stolen_seconds()
        for rows in sizes:
            suffix = "" if rows == sizes[0] else f"_{rows // 1_000_000}m"
            StoreScenarios(results, folder, rows, suffix, say=_say).play()
        results.add("store_stolen_s", machine.stolen_seconds() - stolen, "s of CPU", "taken by the host")
    results.write(kept)
    title = f"{sizes} profiles, {os.cpu_count()} cores, PostgreSQL with fsync, load {os.getloadavg()[0]:.1f}"
    results.show(Console(width=max(console.width, 130)), title)
    console.print(f"Kept in {kept}.")
    return 0 if results.hold else 1


def _prepare() -> None:
    import django

    manage("migrate", "-v", "0")
    manage("createcachetable")
    django.setup()


def _say(text: str) -> None:
    console.print(text, style="dim")


if __name__ == "__main__":
    sys.exit(main())

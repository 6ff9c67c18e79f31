"""``python -m tests.benchmark.api``: measures the REST API; API_SECONDS=20 is how long it is read.

Prints a table, writes VAR_DIR/bench-api.jsonl, ends with 1 when a bar does not hold.
"""

import os
import sys
from pathlib import Path

from rich.console import Console

from tests.benchmark import machine
from tests.benchmark.ground import ROOT, manage, own_ground
from tests.benchmark.results import Results

console = Console(stderr=True)


def main() -> int:
    kept = Path(os.environ.get("VAR_DIR") or ROOT / "var").absolute() / "bench-api.jsonl"
    seconds = float(os.environ.get("API_SECONDS") or 20)
    results = Results()
    with own_ground() as folder:
        _prepare()
        from tests.benchmark.api_scenarios import ApiScenarios

        stolen = machine.stolen_seconds()
        ApiScenarios(results, folder, seconds=seconds, say=_say).play()
        results.add("api_stolen_s", machine.stolen_seconds() - stolen, "s of CPU", "taken by the host")
    results.write(kept)
    title = f"{os.cpu_count()} cores, PostgreSQL with fsync, load {os.getloadavg()[0]:.1f}"
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

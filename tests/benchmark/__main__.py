"""``python -m tests.benchmark``: measures, prints a table, writes VAR_DIR/bench.jsonl, ends with 1 when a bar does
not hold."""

import os
import sys
from pathlib import Path

from rich.console import Console

from tests.benchmark.ground import ROOT, manage, own_ground
from tests.benchmark.results import Results
from tests.support.sandbox import running_sandbox

console = Console(stderr=True)


def main() -> int:
    full = bool(os.environ.get("FULL"))
    rows = int(os.environ.get("ROWS") or (1_000_000 if full else 200_000))
    kept = Path(os.environ.get("VAR_DIR") or ROOT / "var").absolute() / "bench.jsonl"
    results = Results(full=full)
    with own_ground() as folder, running_sandbox(folder / "sandbox", tls=True) as sandbox:
        os.environ["CAMPAIGN_MONITOR_SANDBOX_URL"] = sandbox.url
        _prepare()
        from tests.benchmark.scenarios import Scenarios

        Scenarios(results, sandbox, folder, rows=rows, full=full, say=_say).play()
    results.write(kept)
    results.show(Console(width=max(console.width, 130)), _title(rows))
    console.print(f"Kept in {kept}.")
    return 0 if results.hold else 1


def _prepare() -> None:
    import django

    manage("migrate", "-v", "0")
    manage("createcachetable")
    django.setup()


def _say(text: str) -> None:
    console.print(text, style="dim")


def _title(rows: int) -> str:
    return f"{rows:,} people, {os.cpu_count()} cores, PostgreSQL with fsync, load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    sys.exit(main())

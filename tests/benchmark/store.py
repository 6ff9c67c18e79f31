"""``python -m tests.benchmark.store``: measures the profile store; STORE_ROWS=1000000, FULL=1 also at ten million.

Prints a table, writes VAR_DIR/bench-store.jsonl, ends with 1 when a bar does not hold.
"""

import os
import sys
from pathlib import Path

from tests.benchmark import frame
from tests.benchmark.results import Results

DEFAULT_ROWS = 1_000_000
FULL_ROWS = 10_000_000


def main() -> int:
    sizes = [int(os.environ.get("STORE_ROWS") or DEFAULT_ROWS)]
    if os.environ.get("FULL"):
        sizes.append(FULL_ROWS)

    def play(results: Results, folder: Path) -> None:
        from tests.benchmark.store_scenarios import StoreScenarios

        for rows in sizes:
            suffix = "" if rows == sizes[0] else f"_{rows // 1_000_000}m"
            StoreScenarios(results, folder, rows, suffix, say=frame.say).play()

    return frame.run("store", play, f"{sizes} profiles")


if __name__ == "__main__":
    sys.exit(main())

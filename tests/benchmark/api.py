"""``python -m tests.benchmark.api``: measures the REST API; API_SECONDS=20 is how long it is read.

Prints a table, writes VAR_DIR/bench-api.jsonl, ends with 1 when a bar does not hold.
"""

import os
import sys
from pathlib import Path

from tests.benchmark import frame
from tests.benchmark.results import Results


def main() -> int:
    def play(results: Results, folder: Path) -> None:
        from tests.benchmark.api_scenarios import ApiScenarios

        ApiScenarios(results, folder, seconds=float(os.environ.get("API_SECONDS") or 20), say=frame.say).play()

    return frame.run("api", play)


if __name__ == "__main__":
    sys.exit(main())

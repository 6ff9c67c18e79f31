"""``python -m tests.benchmark.hosts``: measures exports on one and on three hosts of workers.

The hosts are groups of processes with names of their own on this machine, so they share its processors: a call
has to take long (LATENCY_MS, 2400 unless set) beside the work for it. EXPORTS=20 and ROWS=100000 are the
exports at once and the contacts of each. Prints a table, writes VAR_DIR/bench-hosts.jsonl, ends with 1 when a bar
does not hold.
"""

import os
import sys
from pathlib import Path

from django.conf import settings

from tests.benchmark import frame
from tests.benchmark.results import Results
from tests.support.sandbox import running_sandbox


def main() -> int:
    exports, rows, latency = (
        int(os.environ.get(name) or usual)
        for name, usual in (("EXPORTS", 20), ("ROWS", 100_000), ("LATENCY_MS", 2400))
    )

    def play(results: Results, folder: Path) -> None:
        with running_sandbox(folder / "sandbox") as sandbox:
            # For this process, and for those that it starts.
            settings.CAMPAIGN_MONITOR_SANDBOX_URL = os.environ["CAMPAIGN_MONITOR_SANDBOX_URL"] = sandbox.url
            from tests.benchmark.hosts_scenarios import HostsScenarios

            HostsScenarios(
                results, sandbox, folder, exports=exports, rows=rows, latency_ms=latency, say=frame.say
            ).play()

    return frame.run("hosts", play, f"{exports} exports of {rows:,} contacts at once, {latency} ms a call")


if __name__ == "__main__":
    sys.exit(main())

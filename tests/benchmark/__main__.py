"""``python -m tests.benchmark``: measures, prints a table, writes VAR_DIR/bench.jsonl, ends with 1 when a bar does
not hold."""

import os
import sys
from pathlib import Path

from rich.console import Console

from tests.benchmark.ground import ROOT, manage, own_ground
from tests.benchmark.results import Results
from tests.people import Figures, write_people_csv
from tests.sandbox import RunningSandbox, running_sandbox

LATENCIES_MS = (0, 200)
console = Console(stderr=True)


def main() -> int:
    rows = int(os.environ.get("ROWS") or (1_000_000 if os.environ.get("FULL") else 100_000))
    kept = Path(os.environ.get("VAR_DIR") or ROOT / "var").absolute() / "bench.jsonl"
    results = Results()
    with own_ground() as folder, running_sandbox(folder / "sandbox") as sandbox:
        os.environ["CAMPAIGN_MONITOR_SANDBOX_URL"] = sandbox.url
        _prepare()
        path = folder / "people.csv"
        figures = write_people_csv(path, rows)
        _measure(results, sandbox, folder, path, figures)
    results.write(kept)
    results.show(Console(width=max(console.width, 130)), _title(rows))
    console.print(f"Kept in {kept}.")
    return 0 if results.hold else 1


def _prepare() -> None:
    import django

    manage("migrate", "-v", "0")
    manage("createcachetable")
    django.setup()


def _measure(results: Results, sandbox: RunningSandbox, folder: Path, path: Path, figures: Figures) -> None:
    from tests.benchmark import measuring

    _say(f"Importing {figures.rows:,} people …")
    results.add("import_rows_per_s", measuring.import_profiles(path), "rows/s")
    lists = {f"Bench {latency} ms": _new_list(sandbox, f"Export {latency}") for latency in LATENCIES_MS}
    measuring.configure(folder, lists)
    expected = measuring.valid_addresses(path)
    assert len(expected) == figures.unique
    wrong, peak = 0, 0
    for latency, (name, list_id) in zip(LATENCIES_MS, lists.items(), strict=True):
        sandbox.faults({"latency_ms": latency})
        _say(f"Delivering with {latency} ms a call …")
        delivered = measuring.deliver(name)
        if latency == 0:
            results.add("plan_seconds", delivered.plan_seconds, "s")
        results.add(
            f"deliver_{latency}ms_rows_per_s",
            delivered.rows_per_second,
            "rows/s",
            f"{delivered.run.planned:,} people, {measuring.IN_FLIGHT} calls in flight",
        )
        peak = max(peak, delivered.peak_bytes)
        _say(f"The same by a plain loop with the official client, {latency} ms a call …")
        loop_list = _new_list(sandbox, f"Loop {latency}")
        looped = measuring.client_loop(sandbox, loop_list, delivered.run)
        results.add(
            f"client_loop_{latency}ms_rows_per_s", looped.rows_per_second, "rows/s", "createsend over plain HTTP"
        )
        if latency == 0:
            results.add("sandbox_ms_per_import", looped.sandbox_cpu_seconds * 1000 / looped.calls, "ms of CPU")
        wrong += sum(measuring.missing_or_twice(sandbox, known, expected) for known in (list_id, loop_list))
    results.add("worker_peak_mb", peak / 2**20, "MB")
    for latency in LATENCIES_MS:
        ratio = results[f"deliver_{latency}ms_rows_per_s"] / results[f"client_loop_{latency}ms_rows_per_s"]
        results.add(f"deliver_{latency}ms_vs_client_loop", ratio, "times")
    _second_run(results, sandbox, next(iter(lists)))
    results.add("people_missing_or_twice", wrong, "people", f"of {len(expected):,} on each of four lists")


def _second_run(results: Results, sandbox: RunningSandbox, name: str) -> None:
    from tests.benchmark import measuring

    _say("A second run, nothing changed …")
    sandbox.clear_faults()
    sandbox.clear_requests()
    run, _finished = measuring.run_export(name)
    assert run.started_at is not None
    assert run.finished_at is not None
    results.add("second_run_seconds", (run.finished_at - run.started_at).total_seconds(), "s", run.reason)
    results.add("second_run_calls_with_profiles", sandbox.requests()["totals"]["imports"], "calls")


def _new_list(sandbox: RunningSandbox, title: str) -> str:
    from tests.benchmark.measuring import FIELDS

    return sandbox.create_list(title, scope="OnlyThisList", fields=FIELDS)


def _say(text: str) -> None:
    console.print(text, style="dim")


def _title(rows: int) -> str:
    return f"{rows:,} profiles, {os.cpu_count()} cores, PostgreSQL with fsync"


if __name__ == "__main__":
    sys.exit(main())

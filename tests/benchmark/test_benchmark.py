"""The benchmark itself, in small: its names are fixed, and scripts rely on them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmark.ground import ROOT
from tests.benchmark.results import Figure, Results

NAMES = {
    "import_rows_per_s",
    "machine_postgres_ms",
    "machine_python_ms",
    "machine_stolen_s",
    "plan_seconds",
    "deliver_0ms_rows_per_s",
    "deliver_0ms_https_rows_per_s",
    "deliver_200ms_rows_per_s",
    "client_loop_0ms_rows_per_s",
    "client_pool_0ms_rows_per_s",
    "client_loop_0ms_https_rows_per_s",
    "client_pool_0ms_https_rows_per_s",
    "client_loop_200ms_rows_per_s",
    "deliver_vs_client_loop",
    "deliver_vs_client_pool",
    "deliver_vs_client_loop_http",
    "deliver_vs_client_pool_http",
    "deliver_200ms_vs_client_loop",
    "deliver_vs_ideal",
    "deliver_vs_ideal_unlearned",
    "deliver_vs_ideal_default_maximum",
    "second_run_seconds",
    "second_run_calls_excess",
    "second_run_removals",
    "worker_peak_mb",
    "sandbox_ms_per_import",
    "worker_ms_per_import",
    "profiles_lost",
    "profiles_doubled",
}
COUNTS = ("second_run_calls_excess", "profiles_lost", "profiles_doubled")


@pytest.mark.drill
def test_it_measures_what_it_promises_and_no_contact_is_missing(tmp_path: Path) -> None:
    environment = {**os.environ, "ROWS": "2500", "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "tests.benchmark"]

    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    # So few people prove nothing about speed: the bars on ratios may fail here.
    assert finished.returncode in (0, 1), finished.stderr
    lines = [json.loads(line) for line in (tmp_path / "bench.jsonl").read_text().splitlines()]
    figures = {line["name"]: line for line in lines}
    assert figures.keys() == NAMES
    assert all(line["value"] > 0 for line in lines if line["name"] not in {*COUNTS, "machine_stolen_s"})
    for name in COUNTS:
        assert (figures[name]["value"], figures[name]["limit"], figures[name]["holds"]) == (0, 0, True)
    assert all(name in finished.stdout for name in NAMES)


def test_a_figure_without_a_bar_has_neither_limit_nor_verdict() -> None:
    assert json.loads(Figure("plan_seconds", 1.5, "s").as_json()) == {
        "name": "plan_seconds",
        "value": 1.5,
        "unit": "s",
    }


def test_one_bar_that_does_not_hold_is_enough_to_fail() -> None:
    results = Results()
    results.add("deliver_vs_client_loop", 5, "times")
    assert results.hold
    results.add("second_run_calls_excess", 1, "calls")
    assert not results.hold


def test_the_million_is_held_to_a_closer_bar() -> None:
    quick, full = Results(), Results(full=True)
    for results in (quick, full):
        results.add("deliver_vs_ideal", 1.2, "times")
    assert (quick.hold, full.hold) == (True, False)

"""The benchmark of the REST API, in small."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmark.ground import ROOT

NAMES = {
    "api_p50_ms",
    "api_p95_ms",
    "api_cpu_ms",
    "push_rows_per_s",
    "push_cpu_ms",
    "push_merged_seconds",
    "push_lost",
    "api_stolen_s",
}


@pytest.mark.drill
def test_it_measures_what_it_promises_and_no_profile_is_lost(tmp_path: Path) -> None:
    environment = {**os.environ, "API_SECONDS": "2", "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "tests.benchmark.api"]

    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    # Beside other tests the bars on times may fail here.
    assert finished.returncode in (0, 1), finished.stderr
    lines = [json.loads(line) for line in (tmp_path / "bench-api.jsonl").read_text().splitlines()]
    figures = {line["name"]: line for line in lines}
    assert figures.keys() == NAMES
    assert (figures["push_lost"]["value"], figures["push_lost"]["holds"]) == (0, True)

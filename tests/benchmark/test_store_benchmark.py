"""The benchmark of the profile store, in small."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmark.ground import ROOT

NAMES = {
    "copy_seconds",
    "import_seconds",
    "import_vs_copy",
    "import_peak_mb",
    "import_unchanged_vs_copy",
    "import_all_changed_vs_copy",
    "import_windows_1252_vs_copy",
    "import_broken_rows_vs_copy",
    "sql_by_hand_postgres_ms",
    "sql_by_hand_parquet_ms",
    "refresh_ms",
    "refresh_vs_sql",
    "sql_by_hand_lake_ms",
    "refresh_vs_lake_sql",
    "refresh_500_seconds",
    "count_of_one_ms",
    "live_count_ms",
    "live_count_and_first_ms",
    "person_by_address_ms",
    "search_ms",
    "merge_of_1000_ms",
    "at_once_seconds",
    "at_once_after_longest",
    "at_once_lost",
    "store_stolen_s",
}


@pytest.mark.drill
def test_it_measures_what_it_promises_and_no_profile_is_missing(tmp_path: Path) -> None:
    environment = {**os.environ, "STORE_ROWS": "5000", "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "tests.benchmark.store"]

    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    # So few rows prove nothing about speed: the bars on times and ratios may fail here.
    assert finished.returncode in (0, 1), finished.stderr
    lines = [json.loads(line) for line in (tmp_path / "bench-store.jsonl").read_text().splitlines()]
    figures = {line["name"]: line for line in lines}
    assert figures.keys() == NAMES
    assert (figures["at_once_lost"]["value"], figures["at_once_lost"]["holds"]) == (0, True)

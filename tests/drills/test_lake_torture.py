"""Ten processes merge, delete, add columns, maintain and read one lake, and are killed all the while.

The lake is compared with a model in PostgreSQL, at every pinned read and at the end. TORTURE_SECONDS=600 says for
how long, SEED repeats the choices. To see what fails: INLINED_ROWS=10 keeps small changes in the catalog, which is
DuckLake's default, and UNLOCKED=1 lets writers commit without the lock.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from tests.drills.lake import checks, engine, maintenance, operations
from tests.drills.lake.model import Model
from tests.drills.lake.processes import Processes
from tests.drills.lake.settings import Settings

pytestmark = [pytest.mark.drill, pytest.mark.processes]

SECONDS = float(os.environ.get("TORTURE_SECONDS") or 600)
BETWEEN_KILLS = (2.0, 8.0)  # seconds


@pytest.fixture
def settings(tmp_path: Path, chance: random.Random) -> Settings:
    dsn = make_dsn(**parse_dsn(os.environ["DATABASE_URL"]))
    inlined, locked = int(os.environ.get("INLINED_ROWS") or 0), not os.environ.get("UNLOCKED")
    for name in ("data", "staging", "spill"):
        (tmp_path / name).mkdir()
    return Settings(
        dsn, tmp_path, "torture_catalog", "torture_model", inlined, chance.randrange(1_000_000), locked
    )


@pytest.fixture
def model(settings: Settings) -> Iterator[Model]:
    made = Model(settings, "test")
    made.create()
    yield made
    made.drop()
    made.session.close()


def test_the_lake_is_what_its_model_says(settings: Settings, model: Model, chance: random.Random) -> None:
    with engine.open_lake(settings, "test lake") as lake:
        for statement in operations.TABLES:
            lake.execute(statement)
    processes = Processes(settings)
    try:
        processes.start_all()
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            time.sleep(chance.uniform(*BETWEEN_KILLS))
            processes.restart_ended()
            processes.strike(model, chance)
        processes.stop()
    finally:
        processes.kill_all()
    print_figures(model, processes)
    assert not processes.ended
    assert model.query("SELECT process, kind, detail FROM {model}.failure ORDER BY at") == []
    check_end(settings, model, chance)


def check_end(settings: Settings, model: Model, chance: random.Random) -> None:
    """Check the newest version, clean up everything, and check it again by another instance, with every file."""
    model.settle()
    assert model.query("SELECT id FROM {model}.job WHERE absent AND snapshot IS NOT NULL") == []
    with engine.open_lake(settings, "test lake") as lake:
        rows = checks.check_version(lake, model, model.current_version(), chance)
        model.query("DELETE FROM {model}.pin")
        maintenance.everything(lake, model)
        lake.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
        left = lake.execute("CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)").fetchall()
        assert lake.execute("CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)").fetchall() == []
        sys.stdout.write(f"files left by killed processes, deleted: {len(left)}\n")
    in_catalog = checks.files_in_catalog(model)
    in_folder = {path for path in checks.files_in_folder(settings) if path.is_relative_to(settings.data)}
    assert in_catalog - checks.files_in_folder(settings) == set()
    assert in_folder - in_catalog == set()
    with engine.open_lake(settings, "test lake") as lake:
        assert checks.check_version(lake, model, model.current_version(), chance, newest=True) == rows
    sys.stdout.write(f"{len(rows)} rows, {len(in_catalog)} files, version {model.current_version()}\n")


def print_figures(model: Model, processes: Processes) -> None:
    """Print what was done, how often, and in how many seconds."""
    figures = model.query(
        "SELECT kind, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), max(seconds)"
        " FROM {model}.event GROUP BY kind ORDER BY kind"
    )
    lines = [
        f"{kind:<26}{count:>6} times, median {usual:7.3f} s, longest {most:7.3f} s"
        for kind, count, usual, most in figures
    ]
    [(committed, absent)] = model.query("SELECT count(snapshot), count(*) FILTER (WHERE absent) FROM {model}.job")
    failures = model.query(
        "SELECT kind, count(*), min(detail) FROM {model}.failure GROUP BY kind, left(detail, 60)"
    )
    lines += [f"{committed} jobs committed, {absent} did not; {SECONDS:.0f} s", f"kills: {dict(processes.kills)}"]
    lines += [f"{kind}, {count} times: {detail}" for kind, count, detail in failures]
    sys.stdout.write("\n".join([*lines, *processes.ended, ""]))

"""Run the scenarios of a benchmark on a database of their own, and show and keep the figures."""

import os
from collections.abc import Callable
from pathlib import Path

import django
from rich.console import Console

from tests.benchmark import machine
from tests.benchmark.ground import ROOT, manage, own_ground
from tests.benchmark.results import Results

_console = Console(stderr=True)


def run(name: str, play: Callable[[Results, Path], None], title: str = "") -> int:
    """Call ``play`` with the results and the folder of the benchmark ``name``; it may import models. Prints a
    table with a ``title`` and writes VAR_DIR/bench-NAME.jsonl. Returns the exit code, 1 when a bar does not
    hold."""
    kept = Path(os.environ.get("VAR_DIR") or ROOT / "var").absolute() / f"bench-{name}.jsonl"
    results = Results()
    with own_ground() as folder:
        manage("migrate", "-v", "0")
        manage("createcachetable")
        django.setup()
        stolen = machine.stolen_seconds()
        play(results, folder)
        results.add(f"{name}_stolen_s", machine.stolen_seconds() - stolen, "s of CPU", "taken by the host")
    results.write(kept)
    machine_words = f"{os.cpu_count()} cores, PostgreSQL with fsync, load {os.getloadavg()[0]:.1f}"
    results.show(Console(width=max(_console.width, 130)), ", ".join(filter(None, [title, machine_words])))
    _console.print(f"Kept in {kept}.")
    return 0 if results.hold else 1


def say(text: str) -> None:
    """Print what is being measured."""
    _console.print(text, style="dim")

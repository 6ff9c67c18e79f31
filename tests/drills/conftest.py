"""Drills take minutes: they run only when they are asked for by ``-m drill``."""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.support.sandbox import RunningSandbox, running_sandbox


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "drill" in config.option.markexpr:
        return
    drills = [item for item in items if item.get_closest_marker("drill")]
    if drills:
        config.hook.pytest_deselected(items=drills)
        items[:] = [item for item in items if item not in drills]


@pytest.fixture
def times() -> int:
    """How often to strike."""
    return int(os.environ.get("TIMES") or 10)


@pytest.fixture
def chance() -> random.Random:
    """Random moments; the seed is printed, so that a failure can be had again."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
    sys.stdout.write(f"SEED={seed}\n")
    return random.Random(seed)


@pytest.fixture
def slow_sandbox(tmp_path: Path, settings: Settings) -> Iterator[RunningSandbox]:
    """A sandbox of one's own that takes its time, so that there are moments to strike at."""
    with running_sandbox(tmp_path / "sandbox", latency_ms=400) as running:
        settings.CAMPAIGN_MONITOR_SANDBOX_URL = running.url
        yield running

"""Lists equal their model in randomized scenarios. SEED, SCENARIOS and STEPS choose which are played."""

import os
import random
import sys
import time

import pytest
from pytest_django import Settings

from tests.scenarios.scenario import Scenario
from tests.support.retries import shorten_waits
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db(transaction=True)

_STEPS = int(os.environ.get("STEPS") or 30)
_IN_TESTS, _IN_DRILLS = 8, 500


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each seed: always the same ones in ``make test``, others each time in ``make drill``."""
    usual, first = _IN_TESTS, 1
    if metafunc.definition.get_closest_marker("drill"):
        is_asked_for = "drill" in metafunc.config.option.markexpr.replace("not drill", "")
        usual, first = (_IN_DRILLS, random.randrange(1_000_000)) if is_asked_for else (1, 0)
    first = int(os.environ.get("SEED") or first)
    scenarios = int(os.environ.get("SCENARIOS") or usual)
    metafunc.parametrize("seed", range(first, first + scenarios))


@pytest.fixture(autouse=True)
def _quick(settings: Settings, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    shorten_waits(monkeypatch, 0.0)


def test_a_list_equals_its_model_after_every_step(sandbox: RunningSandbox, seed: int) -> None:
    Scenario(sandbox, seed).play(_STEPS)


@pytest.mark.drill
def test_lists_equal_their_models_in_many_scenarios(
    sandbox: RunningSandbox, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    Scenario(sandbox, seed).play(_STEPS)
    with capsys.disabled():
        sys.stdout.write(f"\nSEED={seed}: equal after {_STEPS} steps ({time.monotonic() - began:.1f} s)")

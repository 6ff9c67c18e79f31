"""Real workers answer real doorbells, over the folder and over Redis."""

import json
import time
from pathlib import Path
from typing import Literal

import pytest
from django.test import Client

from config.embedded import broker as folder_broker
from config.jobs import pulse
from config.system.tasks import note_beat
from tests.processes import worker_processes

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def seen_within(name: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if pulse.last(name):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("broker", ["folder", "redis"])
def test_a_doorbell_rung_here_is_answered_there(tmp_path: Path, broker: Literal["folder", "redis"]) -> None:
    with worker_processes(tmp_path, broker) as workers:
        assert set(workers.pids) == {"bells", "work", "beat"}
        answer = Client().get("/readyz")
        assert answer.status_code == 200, answer.content
        workers.kill("beat")
        pulse.forget_all()
        note_beat.delay()
        assert seen_within("beat", 10)


def test_a_killed_worker_is_missed_and_welcome_back(tmp_path: Path) -> None:
    with worker_processes(tmp_path) as workers:
        workers.kill("work")
        pulse.forget_all()
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert not json.loads(answer.content)["checks"]["work"]["ok"]
        workers.start("work")
        assert seen_within("work", 10)


def test_piled_up_ticks_vanish(tmp_path: Path) -> None:
    with worker_processes(tmp_path) as workers:
        workers.kill("bells")
        time.sleep(3)
        assert folder_broker.waiting(tmp_path / "broker", "bells") >= 2
        workers.start("bells")
        deadline = time.monotonic() + 10
        while folder_broker.waiting(tmp_path / "broker", "bells") > 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert folder_broker.waiting(tmp_path / "broker", "bells") <= 3

"""Real workers answer real messages, over the folder and over Redis."""

import json
from pathlib import Path
from typing import Literal

import pytest
from django.test import Client

from config.celery import TICKS
from config.platform.jobs import heartbeat
from config.platform.jobs.enqueue import enqueue
from config.standalone import broker as folder_broker
from tests.support.waiting import wait_until
from tests.support.workers import worker_processes

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("broker", ["folder", "redis"])
def test_a_message_sent_here_is_answered_there(tmp_path: Path, broker: Literal["folder", "redis"]) -> None:
    with worker_processes(tmp_path, broker) as workers:
        assert set(workers.pids) == {"control", "jobs", "beat"}
        answer = Client().get("/readyz")
        assert answer.status_code == 200, answer.content
        workers.kill("beat")
        heartbeat.forget_all()
        enqueue("config.console.tasks.note_beat")
        wait_until(lambda: heartbeat.last("beat") is not None)


def test_a_killed_worker_is_missed_and_ticks_do_not_wait_for_it(tmp_path: Path) -> None:
    queue = tmp_path / "broker"
    with worker_processes(tmp_path) as workers:
        workers.kill("control")
        heartbeat.forget_all()
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert not json.loads(answer.content)["checks"]["control"]["ok"]
        wait_until(lambda: folder_broker.count_messages(queue, "control") >= len(TICKS))
        workers.start("control")
        wait_until(lambda: folder_broker.count_messages(queue, "control") < len(TICKS))
        wait_until(lambda: heartbeat.last("beat") is not None)

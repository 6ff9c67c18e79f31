"""Redis, the broker and cache of production, forgets everything: the messages, and the routes that they take."""

import random
from pathlib import Path

import pytest
import redis
from django.conf import settings

from tests.faults import ground as grounds
from tests.faults.end_check import check_it_went_well
from tests.support.sandbox import RunningSandbox
from tests.support.workers import worker_processes

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def test_a_run_ends_well_after_redis_was_emptied(
    own_sandbox: RunningSandbox, told: None, tmp_path: Path, chance: random.Random
) -> None:
    own_sandbox.reset()
    ground = grounds.make(own_sandbox, chance)
    with worker_processes(tmp_path / "var", broker="redis") as workers:
        workers.kill("jobs")
        run = ground.start()
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            assert client.llen("jobs")
            client.flushall()
        workers.start("jobs")
        grounds.wait_for_end(run)
        check_it_went_well(ground, run)

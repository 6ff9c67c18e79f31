"""The database, the broker, the clock and the disk."""

import shutil
from datetime import timedelta

import pytest
from django.db import connection as database

from config.platform.jobs import clock
from exports.models import Batch
from exports.run import pipeline
from exports.state.status import Reason
from tests.faults import ground as grounds
from tests.faults.end_check import check_it_went_well
from tests.faults.ground import Ground
from tests.support import environment
from tests.support.workers import Workers, messages_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.mark.skipif(not environment.can_crash(), reason="not run: TEST_DATABASE_URL names the server")
def test_the_database_crashes(ground: Ground) -> None:
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    database.close()
    environment.crash_database()
    ground.calm()
    grounds.wait_for_end(run)
    check_it_went_well(ground, run)


def test_the_broker_forgets_everything(ground: Ground, workers: Workers) -> None:
    """Every message is lost; the tick enqueues again."""
    workers.freeze("jobs")
    run = ground.start()
    lost = messages_of("jobs")
    assert lost
    for message in lost:
        message.unlink(missing_ok=True)
    workers.thaw("jobs")
    grounds.wait_for_end(run)
    check_it_went_well(ground, run)


def test_every_message_comes_many_times(ground: Ground, workers: Workers) -> None:
    """All of them before any worker looks."""
    workers.freeze("jobs")
    run = ground.start()
    for message in messages_of("jobs"):
        for number in range(8):
            shutil.copy(message, message.with_name(f"{number}{message.name}"))
    assert len(messages_of("jobs")) > 8
    workers.thaw("jobs")
    grounds.wait_for_end(run)
    assert set(Batch.objects.filter(run=run).values_list("attempt", flat=True)) == {1}
    check_it_went_well(ground, run)


@pytest.mark.parametrize("hours", [1, -1])
def test_the_clock_is_set_right(ground: Ground, workers: Workers, hours: int) -> None:
    """A worker (this process) whose clock is off by an hour sets the run aside: it goes on in a moment all the
    same. The wait is longer than the other batches take on a busy machine."""
    ground.trouble({"kind": "throttle", "path": "/import", "retry_after": 5, "skip": 2, "times": 1})
    workers.freeze("jobs")
    clock.run_from(clock.now() + timedelta(hours=hours))
    try:
        run = ground.start()
        pipeline.run_slice(run.pk)
    finally:
        clock.run_as_usual()
    run.refresh_from_db()
    assert run.reason == Reason.WAITING_FOR_DESTINATION, grounds.tell(run)
    workers.thaw("jobs")
    grounds.wait_for_end(run)
    check_it_went_well(ground, run)

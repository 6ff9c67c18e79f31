"""A user stops a run at any stage, or an administrator removes its connection."""

import pytest
from django.db import connection as database
from django.db import transaction

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections import actions, hooks
from connections.hooks import OnRemoval
from connections.models import Connection, Consent
from exports.actions import runs
from exports.delivery.connection_budget import START_LEVEL
from exports.models import Batch, BatchStatus, Export, Run, Stage
from exports.state.status import Reason
from tests.faults import ground as grounds
from tests.faults.end_check import check_end, check_it_went_well, check_next_run_heals
from tests.faults.ground import Ground
from tests.support import exports
from tests.support.waiting import a_session_waits_for_a_lock, wait_until
from tests.support.workers import Workers

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

CANCELED = (JobStatus.CANCELED, Reason.CANCELED_BY_PERSON, "The run was canceled.")
PATIENCE = {"kind": "throttle", "path": "/import", "retry_after": 300}
SLOW = {"kind": "slow", "path": "/import", "seconds": 1.5}


def test_it_is_canceled_in_the_queue(ground: Ground, workers: Workers) -> None:
    workers.freeze("jobs")
    run = ground.start()
    runs.cancel_run(run, by=None)
    workers.thaw("jobs")
    grounds.wait_for_end(run)
    check_end(ground, run, *CANCELED)
    assert (run.members, run.planned) == (0, 0)
    check_next_run_heals(ground)


def test_it_is_canceled_in_its_check(ground: Ground) -> None:
    ground.trouble({"kind": "slow", "path": "/customfields", "seconds": 1})
    run = ground.start()
    grounds.wait_until(run, lambda run: run.attempt > 0)
    assert run.stage == Stage.CHECK, grounds.tell(run)
    runs.cancel_run(run, by=None)
    grounds.wait_for_end(run)
    check_end(ground, run, *CANCELED)
    assert run.not_sent == run.planned
    check_next_run_heals(ground)


def test_it_is_canceled_while_it_is_planned(ground: Ground, workers: Workers) -> None:
    workers.freeze("jobs")
    run = ground.start()
    with transaction.atomic():
        _let_nobody_write_batches()
        workers.thaw("jobs")
        grounds.wait_until(run, lambda run: run.stage == Stage.PLAN)
        wait_until(a_session_waits_for_a_lock)
        Run.objects.filter(pk=run.pk).update(cancel_requested_at=clock.now())
    grounds.wait_for_end(run)
    check_end(ground, run, *CANCELED)
    assert run.not_sent == run.planned
    check_next_run_heals(ground)


def test_it_is_canceled_while_it_delivers(ground: Ground) -> None:
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    runs.cancel_run(run, by=None)
    grounds.wait_for_end(run)
    check_end(ground, run, *CANCELED)
    assert 0 < run.not_sent < run.planned
    check_next_run_heals(ground)


def test_it_is_canceled_while_it_waits_for_the_destination(ground: Ground) -> None:
    """At once, though the destination asked for five minutes of patience; the next run keeps to them."""
    ground.trouble(PATIENCE | {"skip": 2})
    run = ground.start()
    grounds.wait_until(run, lambda run: run.resume_at is not None)
    assert run.reason == Reason.WAITING_FOR_DESTINATION
    runs.cancel_run(run, by=None)
    grounds.wait_for_end(run)
    check_end(ground, run, *CANCELED)
    assert 0 < run.not_sent < run.planned
    Connection.objects.update(paused_until=None)
    check_next_run_heals(ground)


def test_it_is_canceled_when_all_is_sent(ground: Ground) -> None:
    """Too late: there is nothing left that could be stopped, and the run says what is true."""
    ground.trouble(SLOW)
    run = ground.start()
    grounds.wait_until(run, _its_last_calls_are_out)
    runs.cancel_run(run, by=None)
    grounds.wait_for_end(run)
    check_it_went_well(ground, run)


def test_its_connection_is_removed_and_its_worker_killed(ground: Ground, workers: Workers) -> None:
    """The run stops first, whichever worker gets to it; then the connection goes, and another one takes its
    place."""
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    workers.freeze("jobs")
    choices = {usage.key: OnRemoval.DETACH for usage in hooks.connection_users.usages(ground.connection.pk)}
    assert not actions.remove(by=exports.an_administrator(), connection=ground.connection, choices=choices)
    assert Connection.objects.get().is_being_removed
    workers.kill("jobs")
    workers.start("jobs")
    wait_until(lambda: not Connection.objects.exists())
    check_end(ground, run, *CANCELED)
    assert 0 < run.not_sent < run.planned
    assert not Consent.objects.exists()
    ground.connection = exports.sandbox_connection(ground.sandbox, name="Another")
    Export.objects.update(connection=ground.connection)
    check_next_run_heals(ground)


def _let_nobody_write_batches() -> None:
    with database.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {Batch._meta.db_table} IN SHARE MODE")


def _its_last_calls_are_out(run: Run) -> bool:
    """None is left to go, nor waits in front of the lines, of which a new connection uses four."""
    statuses = list(run.batches.values_list("status", flat=True))
    return BatchStatus.PLANNED not in statuses and 0 < statuses.count(BatchStatus.SENDING) <= START_LEVEL

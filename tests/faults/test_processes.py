"""Processes that are killed or frozen, and two where there should be one."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection as database
from django.db import transaction

from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue
from config.platform.jobs.models import JobStatus
from exports.actions import manage
from exports.models import Export, ExportSchedule, ExportTick, Run
from exports.run import pipeline
from exports.state.status import Reason
from tests.faults import ground as grounds
from tests.faults.end_check import check_end, check_everyone_is_there, check_it_went_well, check_next_run_heals
from tests.faults.frozen_workers import end_here, freeze_at_rest
from tests.faults.ground import Ground
from tests.faults.web_processes import web_process
from tests.support import exports
from tests.support.waiting import a_session_waits_for_a_lock, wait_until
from tests.support.workers import Workers

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def test_a_worker_is_killed(ground: Ground, workers: Workers) -> None:
    refused = ground.chance.sample(sorted(ground.people), 2)
    refusing = {"kind": "refuse_emails", "emails": refused}
    ground.hold(refusing)
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    workers.kill("jobs")
    workers.start("jobs")
    ground.trouble(refusing)
    grounds.wait_for_end(run)
    assert run.attempt > 1
    check_end(ground, run, JobStatus.WARNINGS, Reason.SOME_REJECTED, "rejected some contacts")
    check_everyone_is_there(ground, run, refused)
    check_next_run_heals(ground, refused)


def test_a_frozen_worker_wakes_too_late(ground: Ground, workers: Workers) -> None:
    """This process takes over meanwhile."""
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    frozen_at = run.attempt
    freeze_at_rest(workers)
    ground.calm()
    end_here(run)
    ended = (run.status, run.delivered, run.finished_at, run.attempt)
    workers.thaw("jobs")
    check_next_run_heals(ground)  # by the worker that has woken
    run.refresh_from_db()
    assert run.attempt > frozen_at
    assert (run.status, run.delivered, run.finished_at, run.attempt) == ended


def test_two_workers_fight_over_one_run(ground: Ground) -> None:
    """This process takes it from the worker in the midst of it, and the worker takes it back."""
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    other = threading.Thread(target=_take_over, args=(run,))
    other.start()
    wait_until(lambda: _attempt(run) == 2)
    wait_until(lambda: _is_taken_back(run))
    ground.calm()
    grounds.wait_for_end(run)
    other.join()
    check_it_went_well(ground, run)


def test_the_web_is_killed_while_a_run_is_started_and_while_it_goes(ground: Ground, tmp_path: Path) -> None:
    alice = exports.an_administrator()
    ground.hold()
    with web_process(tmp_path, alice) as web:
        with transaction.atomic():
            Export.objects.select_for_update().get(pk=ground.export.pk)  # holds the click half way
            click = threading.Thread(target=web.post_in_vain, args=(_start_url(ground),))
            click.start()
            wait_until(a_session_waits_for_a_lock)
            web.kill()
            click.join()
        assert not Run.objects.exists()
        assert not AuditEntry.objects.filter(action="run").exists()
        web.start()
        assert web.post(_start_url(ground)).status_code == 302
        run = Run.objects.get()
        grounds.wait_until_some_are_delivered(run)
        web.kill()
        ground.calm()
    grounds.wait_for_end(run)
    assert run.requested_by == alice
    check_it_went_well(ground, run)


def test_beat_is_killed(ground: Ground, workers: Workers) -> None:
    """What goes goes on; what becomes due meanwhile is started once beat is back, and once only."""
    ground.hold()
    run = ground.start()
    grounds.wait_until_some_are_delivered(run)
    workers.kill("beat")
    ground.calm()
    grounds.wait_for_end(run)
    check_end(ground, run, JobStatus.SUCCESSFUL)
    check_everyone_is_there(ground, run)
    rule = {"recurrence": "daily", "zone": "UTC", "times": ["14:00"]}
    manage.set_schedule(ground.export, is_on=True, rule=rule, version=0, by=None)
    ExportSchedule.objects.update(due_at=clock.now() - timedelta(minutes=1))
    workers.start("beat")
    wait_until(lambda: ExportTick.objects.filter(export=ground.export).exists())
    scheduled = ExportTick.objects.get().run
    assert scheduled is not None
    grounds.wait_for_end(scheduled)
    check_end(ground, scheduled, JobStatus.SUCCESSFUL, Reason.NOTHING_NEW, "Nothing was sent")
    assert ground.export.runs.count() == 2
    check_next_run_heals(ground)


def _take_over(run: Run) -> None:
    """Take the run over, in a thread. Its holder extends the lease at any moment: try until it is ours for a
    while."""
    try:
        while _attempt(run) == 1:
            Run.objects.filter(pk=run.pk, attempt=1).update(lease_until=None)
            pipeline.run_slice(run.pk)
    finally:
        database.close()


def _attempt(run: Run) -> int:
    return Run.objects.values_list("attempt", flat=True).get(pk=run.pk)


def _is_taken_back(run: Run) -> bool:
    """Whether the worker has it again; until then its lease is taken away and the task enqueued."""
    Run.objects.filter(pk=run.pk, attempt=2).update(lease_until=None)
    enqueue("exports.tasks.work_on_run", run.pk)
    return _attempt(run) > 2


def _start_url(ground: Ground) -> str:
    return f"/data/exports/{ground.export.pk}/run/"

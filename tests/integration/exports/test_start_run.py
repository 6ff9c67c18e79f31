"""Run, clicked once, twice, and by two users at the same moment."""

import threading

import pytest
from django.db import connection as database

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports import policies
from exports.actions import manage, runs
from exports.models import Export, Run
from exports.run import pipeline
from exports.state.status import Reason, change_status
from tests.support import exports


@pytest.fixture
def export(db: None) -> Export:
    segment = exports.segment_of_everyone()
    return exports.export_to(None, exports.sandbox_connection(), segment, list_id="a" * 32)


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "a-long-password", role=Role.CONTRIBUTOR)


def test_it_queues_a_run_and_signs_it(export: Export, bob: User) -> None:
    run = runs.start_run(export, by=bob)
    assert (run.number, run.status, run.requested_by) == (1, JobStatus.QUEUED, bob)
    assert AuditEntry.objects.filter(action="run", target_id=export.pk, actor_name="bob").count() == 1


def test_it_says_who_started_it_on_the_second_click(export: Export, bob: User) -> None:
    runs.start_run(export, by=bob)
    with pytest.raises(policies.Refusal, match="started by bob"):
        runs.start_run(export, by=bob)
    assert export.runs.count() == 1


def test_it_counts_runs_per_export(export: Export, bob: User) -> None:
    change_status(runs.start_run(export, by=bob), JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
    assert runs.start_run(export, by=bob).number == 2


def test_it_refuses_an_export_without_connection(export: Export, bob: User) -> None:
    Export.objects.update(connection=None)
    with pytest.raises(policies.Refusal, match="no connection"):
        runs.start_run(export, by=bob)


def test_it_refuses_a_connection_that_needs_fixing(export: Export, bob: User) -> None:
    Connection.objects.update(reconnect_reason="revoked")
    with pytest.raises(policies.Refusal, match="authenticate again"):
        runs.start_run(export, by=bob)


@pytest.mark.django_db(transaction=True)
def test_it_lets_one_of_two_simultaneous_clicks_through(transactional_db: None) -> None:
    segment = exports.segment_of_everyone()
    export = exports.export_to(None, exports.sandbox_connection(), segment, list_id="a" * 32)
    refusals: list[str] = []
    gate = threading.Barrier(4)

    def click() -> None:
        gate.wait()
        try:
            runs.start_run(export, by=None)
        except policies.Refusal as refusal:
            refusals.append(refusal.sentence)
        finally:
            database.close()

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert Run.objects.count() == 1
    assert len(refusals) == 3


@pytest.mark.django_db(transaction=True)
def test_it_cancels_a_run_that_no_worker_has_claimed(transactional_db: None) -> None:
    segment = exports.segment_of_everyone()
    export = exports.export_to(None, exports.sandbox_connection(), segment, list_id="a" * 32)
    alice = User.objects.get()
    run = runs.start_run(export, by=alice)
    runs.cancel_run(run, by=alice)
    pipeline.run_slice(run.pk)
    run.refresh_from_db()
    assert (run.status, run.reason) == (JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)


def test_it_refuses_to_cancel_what_has_ended(export: Export, bob: User) -> None:
    run = runs.start_run(export, by=bob)
    change_status(run, JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
    with pytest.raises(policies.Refusal, match="already ended"):
        runs.cancel_run(run, by=bob)


def test_it_refuses_to_remove_an_export_under_way(export: Export, bob: User) -> None:
    runs.start_run(export, by=bob)
    with pytest.raises(policies.Refusal, match="in progress"):
        manage.remove(export, by=bob)
    assert Export.objects.exists()


def test_it_duplicates_under_a_free_name_without_history(export: Export, bob: User) -> None:
    runs.start_run(export, by=bob)
    first, second = manage.duplicate(export, by=bob), manage.duplicate(export, by=bob)
    assert first.name != second.name
    assert first.runs.count() == 0
    assert list(first.segments.all()) == list(export.segments.all())
    assert first.mapping == export.mapping

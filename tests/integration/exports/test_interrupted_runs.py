"""Runs that wait, are canceled, lose their worker or are taken over account for every contact once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db.models import F
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock, leases
from config.platform.jobs.leases import LeaseLost, claim
from config.platform.jobs.models import JobStatus
from connections import concurrency_slots
from connections.destinations.values import BatchReceipt
from connections.models import Connection
from exports.actions import manage, runs
from exports.batches.writer import BatchResult
from exports.models import Batch, BatchStatus, DeliveredSet, Export, Run, RunKind, Stage, SyncedContact, Trigger
from exports.reporting import breakdown, person
from exports.reporting.person import ContactStatus
from exports.results import record
from exports.run import pipeline
from exports.state import claim as run_claim
from exports.state import retry_policy
from exports.state.plan_action import UNANSWERED
from exports.state.retry_policy import RetryPolicy
from exports.state.status import Reason
from tests.integration.exports.test_run_pipeline import (
    IMPORT,
    adds_up,
    carry_on_to_its_end,
    make_export,
    run_to_its_end,
    small_batches,
)
from tests.support.profiles import change_profile, get_profile
from tests.support.sandbox import RunningSandbox
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("account", "quick")]


def test_it_waits_for_another_run_on_the_same_list(sandbox: RunningSandbox, alice: User) -> None:
    first = make_export(sandbox)
    second = manage.duplicate(first, by=alice)
    busy = runs.start_run(first, by=alice)
    Run.objects.filter(pk=busy.pk).update(
        status=JobStatus.PROCESSING,
        stage=Stage.PLAN,
        account="campaign_monitor:sandbox",
        list_id=first.list_id,
        lease_until=clock.now() + timedelta(hours=1),
    )
    waiting = runs.start_run(second, by=alice)
    pipeline.run_slice(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == (JobStatus.QUEUED, Reason.LIST_BUSY)
    Run.objects.filter(pk=busy.pk).update(status=JobStatus.CANCELED, finished_at=clock.now())
    assert carry_on_to_its_end(waiting).delivered == 5


def test_a_cancellation_is_heard_though_the_run_is_set_aside_in_that_moment(
    sandbox: RunningSandbox, alice: User
) -> None:
    run = runs.start_run(make_export(sandbox), by=alice)
    at_work = run_claim.claim(run.pk)
    assert at_work is not None
    runs.cancel_run(run, by=alice)
    run_claim.defer(at_work, seconds=300)
    assert run_claim.runs_to_enqueue() == [run.pk]
    pipeline.run_slice(run.pk)
    run.refresh_from_db()
    assert (run.status, run.reason) == (JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)


def test_it_keeps_what_is_sent_when_a_person_cancels(
    sandbox: RunningSandbox, alice: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.LEASE_SECONDS = 2
    small_batches(monkeypatch, 1)
    export = make_export(sandbox, 60)
    sandbox.faults({"latency_ms": 500})
    run = runs.start_run(export, by=alice)
    worker = threading.Thread(target=_carry_on_in_thread, args=(run.pk,))
    worker.start()
    while not sandbox.received():
        time.sleep(0.02)
    runs.cancel_run(run, by=alice)
    worker.join(timeout=20)
    run.refresh_from_db()
    assert (run.status, run.reason) == (JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
    assert 0 < run.delivered < 60
    assert adds_up(run)
    assert len(sandbox.people()) == run.delivered == SyncedContact.objects.count()


def _carry_on_in_thread(run_id: int) -> None:
    try:
        pipeline.run_slice(run_id)
    finally:
        database.close()


def test_it_sends_again_what_a_dead_worker_left_unanswered(sandbox: RunningSandbox, alice: User) -> None:
    export = make_export(sandbox, 5)
    run = runs.start_run(export, by=alice)
    dead = claim(run)
    assert dead is not None
    _plan_as(dead)
    record.mark_sending(dead, list(dead.batches.values_list("pk", flat=True)))
    Run.objects.filter(pk=run.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    ended = carry_on_to_its_end(run)
    assert (ended.status, ended.delivered) == (JobStatus.SUCCESSFUL, 5)
    assert ended.batches.get().attempt == 2


def test_it_says_who_was_sent_without_an_answer_and_sends_them_again(sandbox: RunningSandbox, alice: User) -> None:
    export = make_export(sandbox, 5)
    run_to_its_end(export)
    change_profile(get_profile(email="p0000@example.com"), first_name="Changed")
    run = runs.start_run(export, by=alice)
    dead = claim(run)
    assert dead is not None
    _plan_as(dead)
    record.mark_sending(dead, list(dead.batches.values_list("pk", flat=True)))
    leases.release(dead)  # its worker is gone, in the middle of a call
    runs.cancel_run(run, by=alice)
    pipeline.run_slice(run.pk)
    run.refresh_from_db()
    assert (run.status, run.not_sent, adds_up(run)) == (JobStatus.CANCELED, 1, True)
    told = breakdown.result_sections(run)[-1].groups
    assert [(group.code, group.people) for group in told] == [(UNANSWERED, 1)]
    found = person.look_up("p0000@example.com", by=alice).exports[0]
    assert found.status == ContactStatus.UNANSWERED
    # As it was, though the list may know better.
    change_profile(get_profile(email="p0000@example.com"), first_name="Name 0")
    assert run_to_its_end(export).delivered == 1


def test_it_ends_with_one_line_when_another_worker_takes_it_over_and_ends_its_session(
    sandbox: RunningSandbox, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    run = runs.start_run(make_export(sandbox, 5), by=alice)
    sandbox.faults({"rules": [{"path": IMPORT, "kind": "hang", "seconds": 2, "times": 1}]})
    worker = threading.Thread(target=_carry_on_in_thread, args=(run.pk,))
    with caplog.at_level("WARNING"):
        worker.start()
        wait_until(lambda: Batch.objects.filter(status=BatchStatus.SENDING).exists())
        Run.objects.filter(pk=run.pk).update(attempt=F("attempt") + 1, lease_until=None)
        run.refresh_from_db()
        with run_claim.exclusive_session(run):  # ends the other one
            worker.join(timeout=60)
    assert not worker.is_alive()
    told = [(each.getMessage(), each.exc_info) for each in caplog.records]
    assert told == [(f"run {run.pk}: taken over by another worker", None)]
    assert carry_on_to_its_end(run).delivered == 5


def test_it_refuses_the_word_of_a_worker_that_wakes_too_late(sandbox: RunningSandbox, alice: User) -> None:
    export = make_export(sandbox, 5)
    late = claim(runs.start_run(export, by=alice))
    assert late is not None
    _plan_as(late)
    batch = late.batches.get()
    Run.objects.filter(pk=late.pk).update(attempt=late.attempt + 1)
    known = DeliveredSet.objects.get()
    with pytest.raises(LeaseLost):
        record.record(late, known.pk, [(batch.pk, BatchResult(BatchReceipt(5, 0, [], 201, 0.1, 100)))])
    assert Batch.objects.get().status == BatchStatus.PLANNED
    assert not SyncedContact.objects.exists()


def _plan_as(run: Run) -> None:
    """Bring a claimed run into delivery, as its worker would."""
    from config.platform.jobs.leases import HeldLease
    from exports.run import check, plan

    assert check.check(run)
    plan.plan(run, HeldLease(run))


def test_it_ends_a_slice_in_time_and_goes_on(
    sandbox: RunningSandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SLICE_SECONDS = 0
    small_batches(monkeypatch, 1)
    run = runs.start_run(make_export(sandbox, 3), by=None)
    another = Export.objects.create(name="Another", list_id="a" * 32, email_attribute="email")
    waiting = Run.objects.create(export=another, number=1, trigger=Trigger.MANUAL)
    assert pipeline.run_slice(run.pk) == pipeline.Next.ENQUEUE_AGAIN
    waiting.delete()
    settings.SLICE_SECONDS = 60
    assert carry_on_to_its_end(run).delivered == 3


def test_it_gives_up_after_repeated_unexpected_errors(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retry_policy, "RUN_ERRORS", RetryPolicy(attempts=2))
    export = make_export(sandbox)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    steps = replace(pipeline.STEPS[RunKind.EXPORT], plan=broken)
    monkeypatch.setitem(pipeline.STEPS, RunKind.EXPORT, steps)
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.FAILURE, Reason.UNEXPECTED_ERROR)


def test_it_waits_its_turn_when_others_have_all_calls_of_the_connection(
    sandbox: RunningSandbox, alice: User
) -> None:
    export = make_export(sandbox)
    connection = Connection.objects.get()
    run = runs.start_run(export, by=alice)
    with another_session_holds_all_slots(connection):
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
        assert (run.status, run.reason) == (JobStatus.PROCESSING, Reason.CONNECTION_BUSY)
    assert carry_on_to_its_end(run).delivered == 5


@contextmanager
def another_session_holds_all_slots(connection: Connection) -> Iterator[None]:
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        concurrency_slots.acquire_slots(connection.pk, connection.max_in_flight, connection.max_in_flight)
        held.set()
        let_go.wait(timeout=10)
        database.close()

    other = threading.Thread(target=hold)
    other.start()
    held.wait(timeout=10)
    yield
    let_go.set()
    other.join()

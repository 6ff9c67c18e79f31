"""What happens to batches on their way: conversion, size, and the connection that they share with others."""

from contextlib import closing
from datetime import timedelta

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections import destinations
from connections.destinations.values import Capabilities
from connections.models import Connection
from exports.actions import runs
from exports.delivery.connection_budget import ConnectionBudget
from exports.models import BatchStatus, Run, Stage, SyncedContact
from exports.run import pipeline
from exports.state.status import Reason
from tests.integration.exports.test_run_pipeline import (
    adds_up,
    carry_on_to_its_end,
    make_export,
    run_to_its_end,
    small_batches,
)
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("account", "quick")]


def test_it_keeps_out_what_the_list_cannot_hold_with_a_sentence(sandbox: RunningSandbox) -> None:
    list_id = sandbox.create_list("Births", fields=[("Born", "Date")])
    create_profiles(
        [{"email": "ann@example.com", "born": "1850-01-01"}, {"email": "bo@example.com", "born": "1980-02-29"}]
    )
    export = exports.export_to(
        sandbox,
        exports.sandbox_connection(sandbox),
        exports.segment_of_everyone(),
        list_id=list_id,
        mapping=[{"attribute": "born", "field": "[Born]"}],
    )
    export.answers["unusable_values"] = "exclude"
    export.save()
    run = run_to_its_end(export)
    assert (run.status, run.members, run.invalid, run.planned, run.delivered) == ("successful", 2, 1, 1, 1)
    assert adds_up(run)
    kept_out = run.outcomes.get()
    assert (kept_out.kind, kept_out.email, kept_out.code) == ("invalid", "ann@example.com", "date_out_of_range")
    assert "Born" in kept_out.message
    assert sandbox.received(list_id) == {"bo@example.com": 1}
    assert list(SyncedContact.objects.values_list("email", flat=True)) == ["bo@example.com"]
    sandbox.clear_requests()
    again = run_to_its_end(export)
    assert (again.reason, again.unchanged, again.invalid) == (Reason.NOTHING_NEW, 1, 1)
    assert adds_up(again)
    assert sandbox.requests()["totals"]["imports"] == 0


def test_a_batch_too_large_for_one_request_is_halved_before_it_leaves(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = make_export(sandbox, 8)
    tight = Capabilities(batch_rows=1000, batch_bytes=200)
    monkeypatch.setattr(destinations.get("campaign_monitor"), "capabilities", tight, raising=False)
    run = run_to_its_end(export)
    assert (run.status, run.delivered) == (JobStatus.SUCCESSFUL, 8)
    assert adds_up(run)
    sent = run.batches.filter(status=BatchStatus.DONE)
    assert {batch.size for batch in sent} == {2}
    assert set(sandbox.received().values()) == {1}
    assert "400" not in sandbox.requests()["statuses"]


def test_a_wish_for_silence_holds_for_the_whole_connection(sandbox: RunningSandbox, alice: User) -> None:
    export = make_export(sandbox)
    connection = Connection.objects.get()
    sandbox.faults({"rules": [{"kind": "throttle", "path": "/import", "times": 1, "retry_after": 600}]})
    run = runs.start_run(export, by=alice)
    pipeline.run_slice(run.pk)
    run.refresh_from_db()
    connection.refresh_from_db()
    assert run.reason == Reason.WAITING_FOR_DESTINATION
    assert connection.paused_until is not None
    assert run.resume_at is not None
    assert run.resume_at > clock.now() + timedelta(seconds=590)
    other = Run.objects.create(
        export=exports.export_to(
            sandbox, connection, export.segments.get(), list_id=sandbox.create_list("Other"), name="Other"
        ),
        number=1,
        trigger="manual",
    )
    sandbox.clear_requests()
    pipeline.run_slice(other.pk)
    other.refresh_from_db()
    assert (other.stage, other.reason) == (Stage.DELIVER, Reason.WAITING_FOR_DESTINATION)
    assert sandbox.requests()["totals"]["imports"] == 0
    Connection.objects.update(paused_until=None)
    Run.objects.update(resume_at=None)
    run.batches.update(not_before=None)
    assert carry_on_to_its_end(run).delivered == carry_on_to_its_end(other).delivered == 5


def test_what_was_learned_is_kept_on_the_connection(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch, 1)
    export = make_export(sandbox, 30)
    sandbox.faults({"latency_ms": 20})
    Connection.objects.update(max_in_flight=2)
    run_to_its_end(export)
    connection = Connection.objects.get()
    assert 1 <= connection.learned_in_flight <= 2
    Connection.objects.update(learned_in_flight=7, max_in_flight=16)
    connection.refresh_from_db()
    with closing(ConnectionBudget(Run.objects.get(), connection)) as share:
        assert share.start == 7


def test_trouble_is_learned_at_once(sandbox: RunningSandbox, alice: User) -> None:
    export = make_export(sandbox)
    Connection.objects.update(learned_in_flight=4)
    sandbox.faults({"rules": [{"kind": "error", "path": "/import", "times": 1}]})
    pipeline.run_slice(runs.start_run(export, by=alice).pk)
    assert Connection.objects.get().learned_in_flight == 2


def test_a_slice_goes_on_while_no_other_run_waits(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, settings: Settings, alice: User
) -> None:
    small_batches(monkeypatch, 1)
    settings.SLICE_SECONDS = 0
    run = runs.start_run(make_export(sandbox, 12), by=alice)
    assert pipeline.run_slice(run.pk) == pipeline.Next.NOTHING
    run.refresh_from_db()
    assert (run.status, run.delivered) == (JobStatus.SUCCESSFUL, 12)


def test_runs_on_one_connection_share_its_calls(sandbox: RunningSandbox) -> None:
    export = make_export(sandbox)
    connection = Connection.objects.get()
    Connection.objects.update(max_in_flight=5)
    first, second = (
        Run.objects.create(
            export=exports.export_to(
                sandbox, connection, export.segments.get(), list_id=sandbox.create_list(name), name=name
            ),
            number=1,
            trigger="manual",
            status=JobStatus.PROCESSING,
            stage=Stage.DELIVER,
        )
        for name in ("First", "Second")
    )
    with closing(ConnectionBudget(first, connection)) as mine:
        assert mine.calls == 3  # the odd one goes to the older run
        with closing(ConnectionBudget(second, Connection.objects.get())) as theirs:
            assert theirs.calls == 2

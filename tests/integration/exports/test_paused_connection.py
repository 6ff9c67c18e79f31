"""A connection that an administrator has paused: no request starts, and its runs wait."""

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections import actions as connection_actions
from connections import credentials
from connections.destinations.campaign_monitor.client import Client
from connections.destinations.errors import TryLater
from connections.models import Connection
from exports.actions import runs
from exports.models import Run
from exports.results import record
from exports.run import pipeline
from exports.state.status import Reason
from tests.integration.exports.test_run_pipeline import carry_on_to_its_end, make_export, small_batches
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("account", "quick")]


def paused(by: User) -> Connection:
    connection = Connection.objects.get()
    connection_actions.pause(by=by, connection=connection)
    return Connection.objects.get(pk=connection.pk)


def requests_made(account: RunningSandbox) -> int:
    return int(account.requests()["totals"]["calls"])


def test_a_run_waits_while_its_connection_is_paused_and_continues_afterwards(
    account: RunningSandbox, alice: User
) -> None:
    export = make_export(account)
    connection = paused(alice)
    before = requests_made(account)
    run = runs.start_run(export, by=None)
    assert pipeline.run_slice(run.pk) == pipeline.Next.NOTHING
    run.refresh_from_db()
    assert (run.status, run.reason) == (JobStatus.QUEUED, Reason.CONNECTION_PAUSED)
    assert requests_made(account) == before

    connection_actions.lift_pause(by=alice, connection=connection)
    Run.objects.filter(pk=run.pk).update(resume_at=None)
    run = carry_on_to_its_end(Run.objects.get(pk=run.pk))
    assert (run.status, run.delivered) == (JobStatus.SUCCESSFUL, 5)


def test_the_page_of_a_waiting_run_names_the_pause_and_no_time(
    account: RunningSandbox, alice: User, alice_client: Browser
) -> None:
    export = make_export(account)
    paused(alice)
    run = runs.start_run(export, by=None)
    pipeline.run_slice(run.pk)
    page = alice_client.get(f"/data/runs/{run.pk}/").content.decode()
    assert "The connection is paused." in page
    assert "continues automatically when an administrator resumes the connection" in page
    assert page.count("continues automatically") == 1  # no time is named


def test_a_run_under_way_sends_nothing_more_after_its_calls_in_flight(
    account: RunningSandbox, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch, 1)
    monkeypatch.setattr("exports.delivery.connection_budget.LOOK_AGAIN_SECONDS", 0.0)
    export = make_export(account, count=40)
    run = runs.start_run(export, by=None)
    real = record.record

    def record_and_pause(*args: Any) -> None:
        real(*args)
        paused(alice)

    monkeypatch.setattr("exports.results.record.record", record_and_pause)
    pipeline.run_slice(run.pk)
    run.refresh_from_db()
    assert run.is_open
    assert 0 < run.delivered < 40
    sent = run.delivered
    Run.objects.filter(pk=run.pk).update(resume_at=None)
    pipeline.run_slice(run.pk)
    run.refresh_from_db()
    assert (run.reason, run.delivered) == (Reason.CONNECTION_PAUSED, sent)


def test_access_to_a_paused_connection_is_refused_with_a_sentence(account: RunningSandbox, alice: User) -> None:
    make_export(account)
    connection = paused(alice)
    with pytest.raises(credentials.Paused, match="was paused by an administrator"):
        credentials.access(connection)


def test_an_administrator_pauses_and_resumes_in_the_list(
    account: RunningSandbox, alice: User, alice_client: Browser
) -> None:
    make_export(account)
    connection = Connection.objects.get()
    for _twice in range(2):  # a double click changes nothing more
        alice_client.post(reverse("connections:pause", args=[connection.pk]))
    page = alice_client.get(reverse("connections:list")).content.decode()
    assert "Paused" in page
    assert 'data-can="resume"' in page
    alice_client.post(reverse("connections:resume", args=[connection.pk]))
    assert not Connection.objects.get(pk=connection.pk).is_paused
    recorded = AuditEntry.objects.filter(action__in=["connection.paused", "connection.resumed"]).order_by("pk")
    assert list(recorded.values_list("action", "actor_name")) == [
        ("connection.paused", str(alice)),
        ("connection.resumed", str(alice)),
    ]


def test_a_sequence_of_requests_stops_at_the_pause(account: RunningSandbox) -> None:
    """Such as a removal, which makes two requests for each contact."""
    make_export(account)
    connection = Connection.objects.get()
    with Client(
        account.url, account.api_key, check_may_send=credentials.access(connection).check_may_send
    ) as line:
        line.system_date()
        connection.paused_at = clock.now()
        before = requests_made(account)
        with pytest.raises(TryLater) as paused_meanwhile:
            line.system_date()
    assert paused_meanwhile.value.code == "paused"
    assert requests_made(account) == before

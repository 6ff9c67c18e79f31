"""Events of runs, segments and lists: emitted with the change, without personal data."""

import json

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.events import webhooks
from config.platform.events.models import Event, EventType, Webhook
from config.platform.jobs.models import JobStatus
from config.platform.notifications import alerts as condition_alerts
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, ListState, Trigger
from exports.reporting import alerts, run_events
from exports.run import complete
from exports.state.status import Reason, StopRun
from segments import actions as segment_actions
from segments import refresh_job
from segments.models import Segment
from tests.integration.exports.conftest import PEOPLE
from tests.integration.exports.test_run_pipeline import carry_on_to_its_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("enqueued", "quick")]


@pytest.fixture(autouse=True)
def _webhook(alice: User, settings: Settings) -> None:
    settings.EVENT_WEBHOOK_HOSTS = ["127.0.0.1"]
    settings.PUBLIC_URL = "https://exports.example.com"
    webhooks.create_webhook(address="http://127.0.0.1/x", event_types=list(EventType), by=alice)


def types() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("type", flat=True))


def test_a_run_is_queued_started_and_completed_with_its_numbers(newsletter: Export) -> None:
    run = carry_on_to_its_end(runs.start_run(newsletter, by=None))
    assert types() == ["run.queued", "run.started", "run.completed"]
    data = Event.objects.get(type="run.completed").data
    assert data["run"]["status"] == JobStatus.SUCCESSFUL == run.status
    assert data["run"]["url"] == f"https://exports.example.com/data/runs/{run.pk}/"
    assert data["export"] == {"id": newsletter.pk, "name": newsletter.name}
    assert data["results"]["members"] == len(PEOPLE)
    assert data["results"]["delivered"] == run.delivered == 3


def test_no_event_holds_personal_data(newsletter: Export) -> None:
    carry_on_to_its_end(runs.start_run(newsletter, by=None))
    words = json.dumps(list(Event.objects.values_list("data", flat=True)), default=str)
    for person in PEOPLE:
        for value in (person["email"], person["first_name"]):
            assert value is None or f'"{value}' not in words


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (JobStatus.FAILED, Reason.NO_SEGMENTS, ["run.queued", "run.failed", "alert.opened"]),
        (JobStatus.FAILED, Reason.DESTINATION_UNAVAILABLE, ["run.queued", "run.failed"]),
        (JobStatus.CANCELED, Reason.CANCELED_BY_PERSON, ["run.queued", "run.completed"]),
    ],
)
def test_each_end_has_its_event(board: Export, status: JobStatus, reason: Reason, expected: list[str]) -> None:
    run = runs.start_run(board, by=None)
    complete.end(run, StopRun(status, reason))
    assert types() == expected
    data = Event.objects.get(type=expected[1]).data["run"]
    assert (data["reason"], data["will_retry"]) == (reason, reason == Reason.DESTINATION_UNAVAILABLE)


def test_a_skipped_and_a_canceled_run_are_completed(board: Export) -> None:
    runs.skip_run(board, trigger=Trigger.SCHEDULE, message="")
    assert types()[0] == "run.completed"
    run = runs.start_run(board, by=None)
    complete.end(run, StopRun(JobStatus.FAILED, Reason.DESTINATION_UNAVAILABLE))
    run.refresh_from_db()
    runs.cancel_run(run, by=None)
    last = Event.objects.order_by("pk").last()
    assert last is not None
    assert (last.type, last.data["run"]["status"]) == ("run.completed", JobStatus.CANCELED)


def test_held_removals_need_confirmation(board: Export) -> None:
    run = runs.start_run(board, by=None)
    Event.objects.all().delete()
    run.status, run.removals_held = JobStatus.WARNINGS, 5
    run_events.emit_status(run)
    assert types() == ["run.completed", "run.needs_confirmation"]


def test_an_alert_is_resolved_once(board: Export) -> None:
    run = runs.start_run(board, by=None)
    complete.end(run, StopRun(JobStatus.FAILED, Reason.NO_SEGMENTS))
    run.status = JobStatus.SUCCESSFUL
    alerts.update_alerts(run)
    alerts.update_alerts(run)
    assert types()[2:] == ["alert.opened", "alert.resolved"]
    data = Event.objects.get(type="alert.resolved").data
    assert data["subject"]["id"] == str(board.pk)
    assert "sentence" not in data["alert"]


def test_a_refreshed_segment_is_told_of_with_its_difference(everyone: Segment, alice: User) -> None:
    job = segment_actions.request_refresh(everyone, by=alice)
    refresh_job.run_refresh(job.pk)
    data = Event.objects.get(type="segment.refreshed").data
    assert data["segment"]["id"] == everyone.pk
    assert (data["members"], data["added"], data["removed"]) == (len(PEOPLE), 0, 0)


def test_an_alert_is_sent_to_the_webhooks_of_its_export_and_of_its_connection(
    newsletter: Export, board: Export, alice: User
) -> None:
    Webhook.objects.all().delete()
    assert newsletter.connection
    wanted = [webhook_of(alice, export=newsletter), webhook_of(alice, connection=newsletter.connection)]
    webhook_of(alice, export=board)
    webhook_of(alice, connection=Connection.objects.create(name="Other"))
    complete.end(runs.start_run(newsletter, by=None), StopRun(JobStatus.FAILED, Reason.NO_SEGMENTS))
    carry_on_to_its_end(runs.start_run(newsletter, by=None))
    assert types() == ["alert.opened", "alert.resolved"]
    for event in Event.objects.all():
        assert [delivery.webhook for delivery in event.deliveries.order_by("webhook")] == wanted


def test_an_alert_is_resolved_at_the_webhooks_where_it_was_opened(newsletter: Export, alice: User) -> None:
    """The connection of an export may change meanwhile."""
    Webhook.objects.all().delete()
    assert newsletter.connection
    first = webhook_of(alice, connection=newsletter.connection)
    complete.end(runs.start_run(newsletter, by=None), StopRun(JobStatus.FAILED, Reason.NO_SEGMENTS))
    Export.objects.filter(pk=newsletter.pk).update(connection=Connection.objects.create(name="Other"))
    condition_alerts.forget(alerts.subject_of(newsletter))
    assert [event.deliveries.get().webhook for event in Event.objects.all()] == [first, first]
    assert types() == ["alert.opened", "alert.resolved"]


def webhook_of(by: User, export: Export | None = None, connection: Connection | None = None) -> Webhook:
    """Create a webhook of the alerts of an export or a connection."""
    webhook, _secret = webhooks.create_webhook(
        address="http://127.0.0.1/x",
        event_types=[EventType.ALERT_OPENED, EventType.ALERT_RESOLVED],
        by=by,
        export_id=export.pk if export else None,
        connection_id=connection.pk if connection else None,
    )
    return webhook


def test_an_alert_about_a_list_is_sent_to_the_webhooks_of_exports_to_it_and_their_connection(
    newsletter: Export,
) -> None:
    carry_on_to_its_end(runs.start_run(newsletter, by=None))
    assert newsletter.connection
    state = ListState.objects.get()
    scope = run_events.scope_of_list(str(state.pk))
    assert (newsletter.pk in scope.export_ids, scope.connection_ids) == (True, [newsletter.connection.pk])
    assert run_events.scope_of_list("0").export_ids == []

"""Which users are notified of the end of a run: administrators, and those that an export names."""

import pytest
from django.test import Client
from django.test.utils import override_script_prefix
from django.urls import reverse
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import Condition, Kind, Notification
from exports.actions import manage
from exports.models import Export, Run, Trigger
from exports.reporting import alerts
from exports.run import complete
from exports.state.status import Reason, StopRun

HTMX = {"HX-Request": "true", "HX-Target": "pane"}


@pytest.fixture(autouse=True)
def _by_mail(settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True


def ended(export: Export, status: JobStatus, reason: Reason = Reason.NONE, **values: int) -> Run:
    """A run that came to this, told of as its end is."""
    number = export.runs.count() + 1
    run = Run.objects.create(export=export, number=number, trigger=Trigger.MANUAL, **values)
    if status in (JobStatus.SUCCESSFUL, JobStatus.WARNINGS):
        run.status = status
        alerts.update_alerts(run)
    else:
        complete.end(run, StopRun(status, reason))
    run.status = JobStatus.CANCELED if run.is_open else run.status
    run.finished_at = run.created_at
    run.save()
    return run


def lasting() -> list[str]:
    return list(Condition.objects.filter(closed_at=None).order_by("kind").values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("status", "reason", "kinds"),
    [
        (JobStatus.FAILED, Reason.NO_SEGMENTS, [Kind.FAILED]),
        (JobStatus.FAILED, Reason.TOO_MANY_PROFILES, [Kind.OVER_LIMIT]),
        (JobStatus.SKIPPED, Reason.TOO_MANY_PROFILES, [Kind.OVER_LIMIT]),
        (JobStatus.SKIPPED, Reason.SEGMENTS_NOT_REFRESHED, [Kind.SKIPPED]),
        (JobStatus.FAILED, Reason.DESTINATION_UNAVAILABLE, []),  # is tried again automatically
        (JobStatus.CANCELED, Reason.CANCELED_BY_PERSON, []),
    ],
)
def test_it_tells_what_a_person_has_to_know(
    board: Export, status: JobStatus, reason: Reason, kinds: list[Kind]
) -> None:
    ended(board, status, reason)
    assert lasting() == kinds
    ended(board, JobStatus.SUCCESSFUL)
    assert lasting() == []


def test_it_tells_of_a_run_that_waits_for_a_confirmation(board: Export) -> None:
    run = Run.objects.create(export=board, number=1, trigger=Trigger.MANUAL, status=JobStatus.PROCESSING)
    complete.end(run, StopRun(JobStatus.NEEDS_CONFIRMATION, Reason.OPT_IN_MAIL))
    assert lasting() == [Kind.NEEDS_CONFIRMATION]


def test_it_tells_of_removals_that_wait_for_a_confirmation(board: Export) -> None:
    ended(board, JobStatus.FAILED, Reason.NO_SEGMENTS)
    ended(board, JobStatus.WARNINGS, removals_held=3)
    assert lasting() == [Kind.NEEDS_CONFIRMATION]
    ended(board, JobStatus.SUCCESSFUL)
    assert lasting() == []


def test_it_tells_when_the_last_retry_fails(board: Export, settings: Settings) -> None:
    settings.RUN_RETRIES = 0
    ended(board, JobStatus.FAILED, Reason.DESTINATION_UNAVAILABLE)
    assert lasting() == [Kind.FAILED]


def test_it_tells_when_more_than_the_set_share_was_rejected(board: Export) -> None:
    ended(board, JobStatus.WARNINGS, planned=100, rejected=5)
    assert lasting() == []
    ended(board, JobStatus.WARNINGS, planned=100, rejected=6)
    assert Condition.objects.get().sentence.startswith("6 of 100 contacts were rejected. Members: 100.")
    ended(board, JobStatus.SUCCESSFUL)  # nothing was sent, so that nothing is known
    assert lasting() == [Kind.REJECTED]
    ended(board, JobStatus.SUCCESSFUL, planned=100)
    assert lasting() == []


def test_it_notifies_the_recipients_of_the_export(board: Export, alice: User) -> None:
    manage.set_alert_recipients(board, ["desk@example.com"], version=board.version, by=alice)
    ended(board, JobStatus.FAILED, Reason.NO_SEGMENTS)
    told = set(Notification.objects.values_list("recipient", flat=True))
    assert told == {"alice@example.com", "desk@example.com"}


def test_nothing_is_the_matter_with_an_export_that_is_gone(board: Export) -> None:
    ended(board, JobStatus.FAILED, Reason.NO_SEGMENTS)
    manage.remove(board, by=None)
    assert lasting() == []


def test_it_is_said_in_a_pane(alice_client: Client, board: Export) -> None:
    url = f"/data/exports/{board.pk}/tell-also/"
    pane = alice_client.get(url, headers=HTMX).content.decode()
    assert "Alice Adams" in pane
    posted = {"version": board.version, "addresses": "desk@example.com\nDESK@example.com, shop@example.com"}
    assert alice_client.post(url, posted, headers=HTMX)["HX-Redirect"] == "/data/exports/"
    board.refresh_from_db()
    assert board.tell_also == ["DESK@example.com", "shop@example.com"]
    assert AuditEntry.objects.filter(action="edited", changes__has_key="tell_also").exists()
    stale = alice_client.post(url, posted, headers=HTMX)
    assert stale.status_code == 409
    wrong = alice_client.post(url, posted | {"addresses": "no-at-sign"}, headers=HTMX)
    assert wrong.status_code == 422
    assert "“no-at-sign” is not an email address." in wrong.content.decode()


def test_it_refuses_who_may_not_edit_the_export(bob_client: Client, board: Export) -> None:
    assert bob_client.post(f"/data/exports/{board.pk}/tell-also/", {"addresses": ""}).status_code == 403


def test_the_run_of_an_alert_is_found_when_the_site_is_below_a_path() -> None:
    for prefix in ("/", "/exports-of-shop/"):
        with override_script_prefix(prefix):
            assert alerts._run_id(reverse("exports:run", args=[7])) == 7

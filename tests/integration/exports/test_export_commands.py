"""Run, Create duplicate, Remove and Cancel: one click each, and who may."""

import json

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from exports.actions import runs
from exports.models import Export, Run
from exports.state.status import Reason, change_status
from tests.integration.exports.conftest import run_to_its_end

HTMX = {"HX-Request": "true"}


def url(export: Export, operation: str) -> str:
    return f"/data/exports/{export.pk}/{operation}/"


# -- who ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["run", "duplicate", "remove"])
@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_it_refuses_users_who_may_only_view(
    who: str, operation: str, board: Export, request: pytest.FixtureRequest
) -> None:
    assert request.getfixturevalue(who).post(url(board, operation)).status_code == 403
    assert (Export.objects.count(), Run.objects.count()) == (1, 0)


@pytest.mark.parametrize("operation", ["run", "duplicate", "remove"])
def test_it_turns_a_stranger_away(operation: str, board: Export, stranger_client: Client) -> None:
    assert stranger_client.post(url(board, operation)).status_code == 302
    assert (Export.objects.count(), Run.objects.count()) == (1, 0)


@pytest.mark.parametrize("operation", ["run", "duplicate"])
def test_it_does_nothing_for_a_mere_visit(operation: str, board: Export, alice_client: Client) -> None:
    assert alice_client.get(url(board, operation)).status_code == 405


def test_it_answers_404_for_what_is_not_there(alice_client: Client) -> None:
    assert alice_client.post("/data/exports/99/run/").status_code == 404


# -- run ---------------------------------------------------------------------------------------------------------


def test_it_starts_a_run_and_returns_to_the_list(alice_client: Client, alice: User, board: Export) -> None:
    headers = HTMX | {"HX-Current-URL": "http://testserver/data/exports/?q=boa"}
    answer = alice_client.post(url(board, "run"), headers=headers)
    assert answer["HX-Redirect"] == "/data/exports/?q=boa"
    assert (board.runs.get().requested_by, board.runs.get().status) == (alice, JobStatus.QUEUED)


def test_it_leads_to_the_run_when_asked(alice_client: Client, board: Export) -> None:
    answer = alice_client.post(url(board, "run"), {"then": "run"})
    assert answer["Location"] == f"/data/runs/{board.runs.get().pk}/"


def test_it_tells_the_second_who_was_first(alice_client: Client, newsletter: Export, bob_client: Client) -> None:
    bob_client.post(url(newsletter, "run"), headers=HTMX)
    answer = alice_client.post(url(newsletter, "run"), headers=HTMX)
    assert answer.status_code == 409
    toast = json.loads(answer["HX-Trigger"])["toast"]
    assert "started by Bob Brown" in toast["text"]
    assert toast["tone"] == "error"
    assert newsletter.runs.count() == 1


def test_it_says_why_it_cannot_run(alice_client: Client, board: Export) -> None:
    Export.objects.update(connection=None)
    answer = alice_client.post(url(board, "run"))
    assert answer.status_code == 409
    assert "no connection" in answer.content.decode()


# -- duplicate ---------------------------------------------------------------------------------------------------


def test_a_copy_has_the_settings_of_the_export(bob_client: Client, newsletter: Export) -> None:
    assert bob_client.post(url(newsletter, "duplicate"), headers=HTMX)["HX-Redirect"] == "/data/exports/"
    copy = Export.objects.exclude(pk=newsletter.pk).get()
    assert copy.name == "Newsletter – copy"
    assert copy.mapping == newsletter.mapping


def test_it_duplicates_the_longest_name(bob_client: Client, newsletter: Export) -> None:
    Export.objects.update(name="x" * 120)
    for _time in range(2):
        assert bob_client.post(url(newsletter, "duplicate")).status_code == 302
    assert Export.objects.count() == 3


# -- remove ------------------------------------------------------------------------------------------------------


def test_it_asks_before_it_removes(bob_client: Client, newsletter: Export) -> None:
    shown = bob_client.get(url(newsletter, "remove"), headers=HTMX | {"HX-Target": "dialog"}).content.decode()
    assert "Contacts already sent stay in Campaign Monitor" in shown
    assert "<html" not in shown
    assert Export.objects.exists()


def test_it_removes_with_its_runs(bob_client: Client, newsletter: Export) -> None:
    run_to_its_end(newsletter)
    bob_client.post(url(newsletter, "remove"))
    assert not Export.objects.exists()
    assert AuditEntry.objects.filter(action="removed").exists()


def test_it_does_not_remove_while_a_run_is_under_way(bob_client: Client, newsletter: Export) -> None:
    runs.start_run(newsletter, by=None)
    answer = bob_client.post(url(newsletter, "remove"), headers=HTMX | {"HX-Target": "dialog"})
    assert answer.status_code == 409
    assert "Run 1 of “Newsletter” is in progress" in answer.content.decode()
    assert Export.objects.exists()


# -- cancel ------------------------------------------------------------------------------------------------------


@pytest.fixture
def under_way(board: Export) -> Run:
    return runs.start_run(board, by=None)


def test_it_says_what_canceling_leaves_behind(alice_client: Client, under_way: Run) -> None:
    shown = alice_client.get(f"/data/runs/{under_way.pk}/cancel/").content.decode()
    assert "Contacts already sent stay sent" in shown
    assert "Keep running" in shown


def test_it_asks_the_run_to_stop(alice_client: Client, under_way: Run) -> None:
    alice_client.post(f"/data/runs/{under_way.pk}/cancel/")
    under_way.refresh_from_db()
    assert under_way.cancel_requested_at
    assert "Canceling" in alice_client.get(f"/data/runs/{under_way.pk}/").content.decode()


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_other_users_cannot_cancel(who: str, under_way: Run, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(who)
    assert client.post(f"/data/runs/{under_way.pk}/cancel/").status_code == 403
    assert "cancel-run" not in client.get(f"/data/runs/{under_way.pk}/").content.decode()
    under_way.refresh_from_db()
    assert under_way.cancel_requested_at is None


def test_it_cannot_cancel_what_has_ended(alice_client: Client, under_way: Run) -> None:
    change_status(under_way, JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
    answer = alice_client.post(f"/data/runs/{under_way.pk}/cancel/")
    assert answer.status_code == 409
    assert "has already ended" in answer.content.decode()

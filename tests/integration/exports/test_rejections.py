"""New and known rejections, sending rejected contacts again, their file, and the advice to users."""

import re

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from exports import policies
from exports.actions import retries
from exports.models import Export, Refused, Run
from exports.reporting import next_steps
from exports.run import pipeline
from exports.state.status import Reason
from tests.integration.exports.conftest import run_to_its_end
from tests.support.profiles import change_profile, get_profile
from tests.support.sandbox import RunningSandbox


@pytest.fixture
def rejecting(account: RunningSandbox) -> RunningSandbox:
    """Let the list reject contacts called ben or cid."""
    refuse(account, 1)
    return account


def refuse(sandbox: RunningSandbox, code: int) -> None:
    emails = ["ben@example.com", "cid@example.com"]
    sandbox.faults({"rules": [{"kind": "refuse_emails", "emails": emails, "code": code}]})


@pytest.fixture
def rejected(rejecting: RunningSandbox, newsletter: Export) -> Run:
    return run_to_its_end(newsletter)


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


# -- what is new -------------------------------------------------------------------------------------------------


def test_it_warns_of_new_rejections_alone(rejected: Run, newsletter: Export, bob: User) -> None:
    assert (rejected.status, rejected.rejected, rejected.newly_rejected) == (JobStatus.WARNINGS, 2, 2)
    retries.retry_rejected(rejected, by=bob)
    again = _end_of_open_run(newsletter)
    assert (again.status, again.reason) == (JobStatus.SUCCESSFUL, Reason.REJECTED_AS_BEFORE)
    assert (again.rejected, again.newly_rejected) == (2, 0)


def test_it_warns_when_the_reason_is_another(
    rejected: Run, rejecting: RunningSandbox, newsletter: Export, bob: User
) -> None:
    refuse(rejecting, 213)
    retries.retry_rejected(rejected, by=bob)
    assert _end_of_open_run(newsletter).newly_rejected == 2


def test_it_warns_when_the_data_are_others(rejected: Run, newsletter: Export) -> None:
    change_profile(get_profile(email="ben@example.com"), first_name="Benedict")
    again = run_to_its_end(newsletter)
    assert (again.status, again.newly_rejected, again.still_refused) == (JobStatus.WARNINGS, 1, 1)


# -- asking again ------------------------------------------------------------------------------------------------


def test_it_asks_again_for_those_with_one_code(
    rejected: Run, account: RunningSandbox, newsletter: Export, bob: User
) -> None:
    rejected.outcomes.filter(email="ben@example.com").update(code="2")
    account.clear_faults()
    retries.retry_rejected(rejected, code="2", by=bob)
    again = _end_of_open_run(newsletter)
    assert (again.delivered, again.still_refused) == (1, 1)
    assert {person["EmailAddress"] for person in account.people()} >= {"ben@example.com"}
    entry = AuditEntry.objects.get(action="asked_again")
    assert (entry.actor_name, entry.changes["people"]) == ("Bob Brown", [None, 1])


def test_each_of_several_reasons_can_be_asked_for_alone(bob_client: Client, rejected: Run) -> None:
    url = f"/data/runs/{rejected.pk}/ask-again/"
    assert f"{url}?code=" not in page(bob_client, f"/data/runs/{rejected.pk}/")  # there is one reason
    rejected.outcomes.filter(email="ben@example.com").update(code="2")
    for shown in ("", "contacts/?kind=rejected"):
        html = page(bob_client, f"/data/runs/{rejected.pk}/{shown}")
        assert f'href="{url}?code=2"' in html
        assert "Retry all rejected contacts" in html
    assert "sends 1 rejected contacts again" in page(bob_client, f"{url}?code=2")


def test_it_asks_before_it_asks_again(bob_client: Client, rejected: Run) -> None:
    url = f"/data/runs/{rejected.pk}/ask-again/"
    assert f'href="{url}"' in page(bob_client, f"/data/runs/{rejected.pk}/")
    assert "sends 2 rejected contacts again" in page(bob_client, url)
    answer = bob_client.post(url)
    assert answer.status_code == 302
    assert bob_client.post(url).status_code == 409  # the second click
    assert rejected.export.runs.count() == 2


def test_it_refuses_a_viewer(charlie_client: Client, charlie: User, rejected: Run) -> None:
    assert charlie_client.post(f"/data/runs/{rejected.pk}/ask-again/").status_code == 403
    with pytest.raises(PermissionDenied):
        retries.retry_rejected(rejected, by=charlie)
    assert not Refused.objects.filter(ask_again=True).exists()


def test_it_refuses_when_the_export_goes_elsewhere(rejected: Run, bob: User) -> None:
    Export.objects.update(list_id="c" * 32)
    rejected.refresh_from_db()
    with pytest.raises(policies.Refusal, match="another list"):
        retries.retry_rejected(Run.objects.get(pk=rejected.pk), by=bob)


def test_it_refuses_when_the_rows_are_gone(rejected: Run, bob: User) -> None:
    rejected.outcomes.all().delete()
    with pytest.raises(policies.Refusal, match="No contacts to retry"):
        retries.retry_rejected(rejected, by=bob)


# -- the file ----------------------------------------------------------------------------------------------------


def test_it_gives_people_as_a_file_and_records_it(bob_client: Client, rejected: Run) -> None:
    rejected.outcomes.filter(email="ben@example.com").update(email="=1+1@example.com")
    answer = bob_client.get(f"/data/runs/{rejected.pk}/contacts/download/?kind=rejected")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "email,profile,outcome,code,reason,batch,field,segment"
    assert [line.split(",")[0] for line in lines[1:]] == ["'=1+1@example.com", "cid@example.com"]
    assert AuditEntry.objects.filter(action="downloaded", target_kind="run").count() == 1


def test_it_gives_the_delivered_as_a_file(bob_client: Client, rejected: Run) -> None:
    answer = bob_client.get(f"/data/runs/{rejected.pk}/contacts/download/?kind=delivered&q=ANN")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert [line.split(",")[0] for line in lines] == ["email", "ann@example.com"]
    changes = AuditEntry.objects.get(action="downloaded").changes
    assert changes == {"people": [None, {"kind": "delivered", "q": "…"}]}  # the record outlives people


def test_it_gives_viewers_no_file(charlie_client: Client, rejected: Run) -> None:
    assert charlie_client.get(f"/data/runs/{rejected.pk}/contacts/download/?kind=rejected").status_code == 403
    shown = page(charlie_client, f"/data/runs/{rejected.pk}/contacts/?kind=rejected")
    assert "Download CSV" not in shown
    assert not AuditEntry.objects.filter(action="downloaded").exists()


# -- what a reader is told ---------------------------------------------------------------------------------------


def test_it_shows_rejections_with_reasons_and_advice(bob_client: Client, rejected: Run) -> None:
    shown = page(bob_client, f"/data/runs/{rejected.pk}/")
    for words in ("2 new", "Retry these contacts", "Fix the data"):
        assert words in shown, words


def test_users_who_can_act_get_a_button_and_others_get_names(
    newsletter: Export, alice: User, bob: User, charlie: User
) -> None:
    Export.objects.update(connection=None)
    run = Run.objects.create(
        export=newsletter, number=1, trigger="manual", status="failed", finished_at="2026-01-01T00:00Z"
    )
    run.reason = Reason.LIST_REFUSED
    able, unable = next_steps.advise(run, bob), next_steps.advise(run, charlie)
    assert (able.label, able.url) == ("Edit export", f"/data/exports/{newsletter.pk}/")
    assert (unable.label, unable.next_step) == ("", "Alice Adams can change this export.")
    for told in (able, unable):
        assert (told.sent, told.retry_note) == ("No contact was sent.", "This run is not retried automatically.")


def test_it_says_how_many_were_delivered_before_a_run_failed(newsletter: Export, alice: User) -> None:
    run = Run(export=newsletter, status="failed", delivered=2000, reason=Reason.DESTINATION_UNAVAILABLE)
    assert next_steps.advise(run, alice).sent == "2,000 contacts were already delivered and are not sent again."


def _end_of_open_run(export: Export) -> Run:
    run = export.runs.order_by("-number")[0]
    for _again in range(20):
        if run.is_open:
            pipeline.run_slice(run.pk)
            run.refresh_from_db()
    assert not run.is_open
    return run

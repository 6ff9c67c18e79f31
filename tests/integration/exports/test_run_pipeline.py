"""A run from the plan to a real sandbox and back accounts for every contact once."""

import time
from typing import Any

import pytest

from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, Run, SyncedContact
from exports.run import pipeline
from exports.state import retry_policy
from exports.state.retry_policy import RetryPolicy
from exports.state.status import Reason
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("account", "quick")]

IMPORT = "/import"


def people(count: int) -> list[dict[str, Any]]:
    return [{"email": f"p{n:04}@example.com", "first_name": f"Name {n}"} for n in range(count)]


def make_export(sandbox: RunningSandbox, count: int = 5, **options: Any) -> Export:
    create_profiles(people(count))
    connection = exports.sandbox_connection(sandbox)
    mapping = [{"attribute": "first_name", "field": "name"}]
    segment = exports.segment_of_everyone()
    return exports.export_to(sandbox, connection, segment, mapping=mapping, **options)


def run_to_its_end(export: Export, seconds: float = 30) -> Run:
    return carry_on_to_its_end(runs.start_run(export, by=None), seconds)


def carry_on_to_its_end(run: Run, seconds: float = 30) -> Run:
    """As the workers do: carry on, and look again whenever it waits."""
    deadline = time.monotonic() + seconds
    while run.is_open:
        assert time.monotonic() < deadline, f"the run is still {run.status} ({run.reason} {run.message})"
        if pipeline.run_slice(run.pk) == pipeline.Next.NOTHING:
            time.sleep(0.02)
        run.refresh_from_db()
    return run


def small_batches(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    from connections import destinations
    from connections.destinations.values import Capabilities

    destination = destinations.get("campaign_monitor")
    monkeypatch.setattr(
        destination, "capabilities", Capabilities(batch_rows=rows, batch_bytes=4_000_000), raising=False
    )


def adds_up(run: Run) -> bool:
    planned = run.delivered + run.left + run.rejected + run.unknown + run.not_sent
    members = run.invalid + run.duplicates + run.without_consent + run.unchanged + run.still_refused + run.planned
    return (planned, members) == (run.planned, run.members)


def test_it_delivers_everyone_once_with_their_data(sandbox: RunningSandbox) -> None:
    run = run_to_its_end(make_export(sandbox, 1500))
    assert (run.status, run.reason, run.delivered, run.new_people) == (JobStatus.SUCCESSFUL, "", 1500, 1500)
    assert adds_up(run)
    arrived = {person["EmailAddress"]: person["Name"] for person in sandbox.people()}
    assert arrived == {person["email"]: person["first_name"] for person in people(1500)}
    assert set(sandbox.received().values()) == {1}
    assert SyncedContact.objects.count() == 1500


def test_it_sends_no_one_on_a_second_run_and_says_so(sandbox: RunningSandbox) -> None:
    export = make_export(sandbox)
    run_to_its_end(export)
    sandbox.clear_requests()
    again = run_to_its_end(export)
    assert (again.status, again.reason, again.unchanged) == (JobStatus.SUCCESSFUL, Reason.NOTHING_CHANGED, 5)
    assert sandbox.requests()["totals"]["imports"] == 0


def test_it_leaves_people_as_they_are_and_lists_refusals_with_code_and_sentence(sandbox: RunningSandbox) -> None:
    export = make_export(sandbox)
    sandbox.import_people([{"EmailAddress": "p0000@example.com"}])
    sandbox.set_state(["p0000@example.com"], "Unsubscribed")
    sandbox.faults({"rules": [{"kind": "refuse_emails", "emails": ["p0001@example.com"], "code": 1}]})
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.WARNINGS, Reason.SOME_REJECTED)
    assert (run.delivered, run.left, run.rejected) == (3, 1, 1)
    assert adds_up(run)
    told = {(outcome.kind, outcome.email, outcome.code) for outcome in run.outcomes.all()}
    assert told == {("left", "p0000@example.com", "206"), ("rejected", "p0001@example.com", "1")}
    assert all(outcome.message for outcome in run.outcomes.all())
    assert sandbox.counts()["Unsubscribed"] == 1
    sandbox.clear_faults()
    sandbox.clear_requests()
    again = run_to_its_end(export)
    assert (again.unchanged, again.still_refused) == (3, 2)
    assert sandbox.requests()["totals"]["imports"] == 0


TROUBLES = {
    "throttled": {"kind": "throttle", "retry_after": 0},
    "throttled after it took effect": {"kind": "throttle", "applied": True},
    "broken": {"kind": "error", "status": 503, "html": True},
    "dropped": {"kind": "drop"},
    "dropped after it took effect": {"kind": "drop", "applied": True},
    "was incomplete": {"kind": "cut_short"},
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_it_tries_again_and_accounts_for_everybody_once(
    sandbox: RunningSandbox, trouble: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch, 2)
    export = make_export(sandbox, 9)
    sandbox.faults({"rules": [{"path": IMPORT, "times": 3, **trouble}]})
    run = run_to_its_end(export)
    assert (run.status, run.delivered, run.planned) == (JobStatus.SUCCESSFUL, 9, 9)
    assert len(sandbox.people()) == 9
    assert run.batches.filter(attempt__gt=1).exists()


def test_it_gives_up_on_a_destination_that_never_answers(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_policy, "BATCH", RetryPolicy(attempts=3, first_seconds=0.02))
    export = make_export(sandbox)
    sandbox.faults({"rules": [{"path": IMPORT, "kind": "error", "status": 500}]})
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.FAILURE, Reason.DESTINATION_UNAVAILABLE)
    assert (run.delivered, run.not_sent) == (0, 5)
    assert adds_up(run)


def test_it_halves_a_refused_batch_until_the_guilty_stand_alone(sandbox: RunningSandbox) -> None:
    export = make_export(sandbox, 40)
    guilty = ["p0007@example.com", "p0031@example.com"]
    sandbox.faults({"rules": [{"kind": "refuse_batch", "emails": guilty}]})
    run = run_to_its_end(export)
    assert (run.status, run.delivered, run.rejected) == (JobStatus.WARNINGS, 38, 2)
    assert sorted(run.outcomes.values_list("email", flat=True)) == guilty
    assert adds_up(run)
    assert set(sandbox.received().values()) == {1}


def test_it_stops_when_everything_is_refused(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_policy, "MOST_REFUSED_BATCHES", 5)
    export = make_export(sandbox, 64)
    all_contacts = [person["email"] for person in people(64)]
    sandbox.faults({"rules": [{"kind": "refuse_batch", "emails": all_contacts}]})
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.EVERYTHING_REFUSED)
    assert sandbox.requests()["totals"]["imports"] < 20
    assert adds_up(run)


def test_it_tells_administrators_when_the_key_is_refused(sandbox: RunningSandbox) -> None:
    export = make_export(sandbox)
    sandbox.faults({"rules": [{"path": IMPORT, "kind": "refuse_credential"}]})
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.RECONNECT_NEEDED)
    assert Connection.objects.get().reconnect_reason


def test_it_ends_with_the_very_sentence_when_the_plan_of_the_account_is_full(sandbox: RunningSandbox) -> None:
    export = make_export(sandbox)
    sandbox.faults({"rules": [{"path": IMPORT, "kind": "plan_full"}]})
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.ACCOUNT_FULL)
    assert "“Your plan does not hold more subscribers. Upgrade your plan to add them”." in run.message
    assert (run.delivered, run.not_sent, run.next_try_at) == (0, run.planned, None)


def test_it_fails_with_a_sentence_when_the_list_is_gone(sandbox: RunningSandbox) -> None:
    list_id = sandbox.create_list("Gone soon")
    export = make_export(sandbox, list_id=list_id)
    sandbox.api("DELETE", f"/lists/{list_id}.json").raise_for_status()
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.LIST_REFUSED)
    assert run.message


def test_it_fails_when_a_mapped_field_is_missing_on_the_list(sandbox: RunningSandbox) -> None:
    export = make_export(sandbox)
    Export.objects.update(mapping=[{"attribute": "first_name", "field": "[Nickname]"}])
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.FIELDS_MISSING)
    assert "[Nickname]" in run.message


def test_it_is_skipped_while_a_segment_was_never_drawn(sandbox: RunningSandbox) -> None:
    export = make_export(sandbox)
    export.segments.update(refreshed_at=None)
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.SKIPPED, Reason.SEGMENTS_NOT_REFRESHED)


def test_it_emails_no_contact_without_acceptance(sandbox: RunningSandbox) -> None:
    list_id = sandbox.create_list("Confirmed", confirmed=True)
    export = make_export(sandbox, list_id=list_id)
    run = run_to_its_end(export)
    assert (run.status, run.reason) == (JobStatus.NEEDS_CONFIRMATION, Reason.OPT_IN_MAIL)
    assert sandbox.requests()["totals"]["imports"] == 0
    Export.objects.update(opt_in_mail_accepted=True)
    assert run_to_its_end(export).delivered == 5
    assert sandbox.counts(list_id)["Unconfirmed"] == 5

"""What changes on a list while a comparison reads it: no suppression is lost by it, and none comes back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections import actions as connection_actions
from connections.destinations.subscribers import ListedState
from connections.models import Connection
from exports.feedback import comparison, differences
from exports.models import (
    Export,
    ListComparison,
    ListedContact,
    ListState,
    Run,
    Stage,
    StatusSource,
    SubscriberStatus,
)
from segments.models import ErasedHash, Erasure
from segments.privacy.subjects import hash_of_email
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_interrupted_runs import another_session_holds_all_slots
from tests.integration.exports.test_list_comparison import compare, statuses
from tests.integration.exports.test_list_watch import look_now
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

BEN = "ben@example.com"


@pytest.fixture
def sent(newsletter: Export) -> Run:
    """The export has sent Ann, Ben and Cid, and its list was looked at."""
    run = run_to_its_end(newsletter)
    look_now()
    return run


def after_first_page(monkeypatch: pytest.MonkeyPatch, of: ListedState, act: Callable[[], object]) -> None:
    """Let something happen once the comparison has stored the first page of a state."""
    store, waiting = comparison._store, [act]

    def store_and_act(job: Any, listed: ListedState, pages: Any, found: Any) -> None:
        store(job, listed, pages, found)
        if listed is of and waiting:
            waiting.pop()()

    monkeypatch.setattr(comparison, "_store", store_and_act)


def suppress(emails: list[str], *, since: str = "") -> None:
    """Let the list state have statuses that a look learned an hour ago."""
    state, known_since = ListState.objects.get(), clock.now() - timedelta(hours=1)
    SubscriberStatus.objects.bulk_create(
        SubscriberStatus(
            list_state=state,
            email=email,
            code="unsubscribed",
            source=StatusSource.POLL,
            since=since,
            run_id=0,
            known_since=known_since,
        )
        for email in emails
    )


def test_who_moves_to_a_page_that_was_read_stays_suppressed(
    sent: Run, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [f"p{number:05}@example.com" for number in range(1_001)]
    account.set_state(people, "Unsubscribed")
    look_now()
    assert set(statuses()) == set(people)
    after_first_page(monkeypatch, ListedState.UNSUBSCRIBED, lambda: account.set_state(people[:1], "Active"))
    compare()
    assert set(people[1:]) <= set(statuses())


def test_who_is_on_no_page_is_looked_up_before_the_status_is_forgotten(
    sent: Run, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    suppress(["gone@example.com", BEN])
    store = comparison._store

    def lose_ben(job: Any, listed: Any, pages: Any, found: Any) -> None:
        store(job, listed, pages, found)
        ListedContact.objects.filter(email=BEN).delete()

    monkeypatch.setattr(comparison, "_store", lose_ben)
    compare()
    assert set(statuses()) == {BEN}


def test_too_many_to_look_up_stay_suppressed(sent: Run) -> None:
    people = [f"p{number:05}@example.com" for number in range(101)]
    suppress(people)
    compare()
    assert set(statuses()) == set(people)


def test_who_was_active_before_stays_suppressed(sent: Run) -> None:
    suppress([BEN], since="2100-01-01 00:00:00")
    compare()
    assert set(statuses()) == {BEN}


def test_who_becomes_active_after_the_page_was_read_is_suppressed_no_longer(
    sent: Run, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.set_state([BEN], "Unsubscribed")
    look_now()

    def return_to_the_list() -> None:
        account.set_state([BEN], "Active")
        look_now()
        assert statuses() == {}

    after_first_page(monkeypatch, ListedState.UNSUBSCRIBED, return_to_the_list)
    done = compare()
    assert (statuses(), done.other_state, done.active) == ({}, 0, 3)


def test_who_leaves_again_is_known_from_then_on(sent: Run, account: RunningSandbox) -> None:
    account.set_state([BEN], "Unsubscribed", since="2020-01-01 00:00:00")
    look_now()
    before = clock.now()
    account.set_state([BEN], "Active")
    account.set_state([BEN], "Unsubscribed", since="2021-01-01 00:00:00")
    look_now()
    assert SubscriberStatus.objects.get().known_since > before


def test_own_removals_are_joined(sent: Run, account: RunningSandbox) -> None:
    """Of millions of removals, a list in the condition would be searched as a whole for every subscriber."""
    account.set_state([BEN], "Unsubscribed")
    with CaptureQueriesContext(database) as queries:
        look_now()
        compare()
    learned = [each["sql"] for each in queries if "INSERT INTO exports_subscriberstatus" in each["sql"]]
    assert learned
    assert [sql for sql in learned if "email NOT IN" in sql] == []


def test_erased_people_are_not_stored_while_it_reads(
    sent: Run, account: RunningSandbox, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasure = Erasure.objects.create(short_id="1", erased_by=alice, erased_by_name="Alice")
    ErasedHash.objects.create(hash=hash_of_email("own@example.com"), erasure=erasure)
    account.set_state(["own@example.com", "other@example.com"], "Deleted")
    stored: list[str] = []
    after_first_page(
        monkeypatch,
        ListedState.DELETED,
        lambda: stored.extend(ListedContact.objects.filter(state="deleted").values_list("email", flat=True)),
    )
    compare()
    assert stored == ["other@example.com"]


@pytest.mark.parametrize("lost", [1, 2])
def test_many_that_seem_to_be_gone_are_read_again(
    lost: int, sent: Run, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "MOST_LOOKED_UP", 1)
    store, times = comparison._store, [lost]

    def lose_two(job: Any, listed: ListedState, pages: Any, found: Any) -> None:
        store(job, listed, pages, found)
        if listed is ListedState.ACTIVE and times[0]:
            times[0] -= 1
            ListedContact.objects.exclude(email=BEN).delete()

    monkeypatch.setattr(comparison, "_store", lose_two)
    done = compare()
    assert (done.status, done.gone, done.progress_done) == (JobStatus.SUCCESSFUL, lost - 1, 10)


def test_many_that_are_gone_are_not_read_again(
    sent: Run, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "MOST_LOOKED_UP", 1)
    for email in (BEN, "cid@example.com"):
        body = {"EmailAddress": f"new-{email}", "ConsentToTrack": "Unchanged"}
        account.api("PUT", f"/subscribers/{account.list_id}.json", params={"email": email}, json=body)
    done = compare()
    assert (done.gone, done.progress_done) == (2, 5)


# -- the connection ----------------------------------------------------------------------------------------------


def test_it_is_skipped_while_the_connection_is_paused(sent: Run, alice: User, alice_client: Client) -> None:
    connection_actions.pause(by=alice, connection=Connection.objects.get())
    done = compare()
    assert (done.status, done.message, ListedContact.objects.count()) == (JobStatus.SKIPPED, "paused", 0)
    page = alice_client.get(f"/data/exports/{sent.export_id}/list/").text
    assert "The last comparison was skipped: the connection is paused or not connected." in page
    connection_actions.lift_pause(by=alice, connection=Connection.objects.get())
    assert compare().status == JobStatus.SUCCESSFUL


def test_it_begins_again_when_it_began_long_ago(sent: Run, account: RunningSandbox) -> None:
    account.faults({"rules": [{"kind": "error", "path": "bounced", "times": 1, "status": 503}]})
    waiting = compare()
    assert (waiting.progress_done, ListedContact.objects.count()) == (3, 3)
    long_ago = clock.now() - timedelta(days=1)
    ListComparison.objects.update(started_at=long_ago, due_at=clock.now())
    account.set_state([BEN], "Deleted")
    done = compare()
    assert (done.status, done.progress_done, done.active) == (JobStatus.SUCCESSFUL, 5, 2)
    assert done.started_at != long_ago


def test_it_waits_while_runs_use_all_calls_of_the_connection(sent: Run) -> None:
    with another_session_holds_all_slots(Connection.objects.get()):
        waiting = compare()
    assert (waiting.status, waiting.progress_done) == (JobStatus.PROCESSING, 0)
    assert waiting.due_at > clock.now()
    ListComparison.objects.update(due_at=clock.now())
    assert compare().status == JobStatus.SUCCESSFUL


def test_it_leaves_calls_to_runs_that_send(sent: Run) -> None:
    Run.objects.update(status=JobStatus.PROCESSING, stage=Stage.DELIVER)
    Connection.objects.update(max_in_flight=1)
    assert (compare().status, compare().progress_done) == (JobStatus.PROCESSING, 0)
    Connection.objects.update(max_in_flight=2)
    ListComparison.objects.update(due_at=clock.now())
    assert compare().status == JobStatus.SUCCESSFUL


def test_lists_of_an_account_are_compared_one_after_the_other(sent: Run) -> None:
    first = ListState.objects.get()
    second = ListState.objects.create(account=first.account, list_id="another")
    elsewhere = ListState.objects.create(account="campaign_monitor:other", list_id="another")
    jobs = [comparison.request(state) for state in (first, second, elsewhere)]
    waiting = [job.pk for job in jobs if job]
    assert comparison.due() == [waiting[0], waiting[2]]
    ListComparison.objects.filter(pk=waiting[0]).update(due_at=clock.now() + timedelta(minutes=1))
    assert comparison.due() == waiting[1:]

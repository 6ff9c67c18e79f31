"""What changes on a list while a comparison reads it: no suppression is lost by it, and none comes back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from config.platform.jobs import clock
from connections.destinations.subscribers import ListedState
from exports.feedback import comparison
from exports.models import Export, ListedContact, ListState, Run, StatusSource, SubscriberStatus
from tests.integration.exports.conftest import run_to_its_end
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

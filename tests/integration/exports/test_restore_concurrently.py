"""Restoring concurrently: two users who click at once, and a worker that loses the run."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection as database
from django.db.models import F
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from config.platform.accounts.models import User
from exports.models import Export, Removal, Run
from exports.run import pipeline
from segments.models import Segment
from tests.support.members import CROWD, leave, states
from tests.support.removals import export_of, run
from tests.support.sandbox import RunningSandbox
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]

SLOW_LOOK_UP = {"kind": "slow", "method": "GET", "path": "/subscribers/", "seconds": 0.3}


@pytest.fixture
def removing(account: RunningSandbox, crowd: Segment) -> Run:
    """A run that has deleted eight contacts."""
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    leave(crowd, *CROWD[:8])
    ended = run(export)
    assert ended.removed == 8
    return ended


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def with_database() -> None:
        try:
            work()
        finally:
            database.close()

    thread = threading.Thread(target=with_database)
    thread.start()
    return thread


def test_two_people_who_restore_at_the_same_moment_start_one_run(alice: User, bob: User, removing: Run) -> None:
    url = reverse("exports:restore_removed", args=[removing.pk])
    together = threading.Barrier(2)
    statuses: list[int] = []

    def click(user: User) -> None:
        client = Client()
        client.force_login(user)
        together.wait(timeout=20)
        statuses.append(client.post(url).status_code)

    for thread in [in_thread(lambda: click(alice)), in_thread(lambda: click(bob))]:
        thread.join(timeout=60)
    assert sorted(statuses) == [302, 409]
    assert Run.objects.filter(options__has_key="restores").count() == 1


def test_a_worker_that_lost_the_run_restores_no_further_contact(
    account: RunningSandbox, alice_client: Client, removing: Run, settings: Settings
) -> None:
    """What it left is restored by the worker that took the run over; who unsubscribes meanwhile stays so."""
    settings.LEASE_SECONDS = 2  # a renewal every half second tells that another worker has the run
    account.faults({"rules": [SLOW_LOOK_UP]})
    account.clear_requests()
    alice_client.post(reverse("exports:restore_removed", args=[removing.pk]))
    restoring = Run.objects.latest("pk")
    worker = in_thread(lambda: pipeline.run_slice(restoring.pk))
    look_up = f"/subscribers/{removing.list_id}.json"
    wait_until(lambda: len([each for each in asked(account) if look_up in each]) > 1, seconds=20)
    Run.objects.filter(pk=restoring.pk).update(attempt=F("attempt") + 1)
    worker.join(timeout=60)
    account.clear_faults()
    assert any(states(account, removing.list_id)[email] == "Deleted" for email in CROWD[:8])
    account.set_state([CROWD[7]], "Unsubscribed", removing.list_id)
    Run.objects.filter(pk=restoring.pk).update(lease_until=None)
    while restoring.is_open:
        pipeline.run_slice(restoring.pk)
        restoring.refresh_from_db()
    now = states(account, removing.list_id)
    assert [now[email] for email in CROWD[:8]] == ["Active"] * 7 + ["Unsubscribed"]
    export = Export.objects.get()
    assert run(export).to_remove == 0


def asked(account: RunningSandbox) -> list[str]:
    return [call["path"] for call in account.requests()["requests"]]

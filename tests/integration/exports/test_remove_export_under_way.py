"""Removing a connection while a run is delivering over it: it stops, its figures add up, and only then it goes."""

import threading
import time
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from connections import tasks
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, Run, SyncedContact
from exports.run import pipeline
from exports.state.status import Reason
from tests.integration.exports.test_run_pipeline import small_batches
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def export(account: RunningSandbox, shared: Connection, bob: User, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Make an export of sixty contacts in batches of one, over a slow sandbox."""
    create_profiles([{"email": f"p{n}@example.com"} for n in range(60)])
    made = exports.export_to(account, shared, exports.segment_of_everyone(), by=bob)
    small_batches(monkeypatch, 1)
    account.faults({"latency_ms": 600})
    return made


@pytest.mark.parametrize("verb", ["detach", "remove"])
def test_it_stops_cleanly_first(
    account: RunningSandbox, alice_client: Client, shared: Connection, export: Export, verb: str
) -> None:
    run = runs.start_run(export, by=None)
    worker = threading.Thread(target=_carry_on, args=(run.pk,))
    worker.start()
    while not account.received():
        time.sleep(0.02)
    url = f"/admin/connections/{shared.pk}/remove/"
    alice_client.post(url, {f"use-{export.pk}": verb})
    assert Connection.objects.get(pk=shared.pk).is_being_removed
    tasks.enqueue_pending()
    worker.join(timeout=120)
    if verb == "detach":
        _ended_in_order(run, account)
    tasks.enqueue_pending()
    assert not Connection.objects.filter(pk=shared.pk).exists()
    assert Export.objects.exists() is (verb == "detach")
    assert Run.objects.exists() is (verb == "detach")


def test_removing_twice_changes_nothing(alice_client: Client, shared: Connection, export: Export) -> None:
    run = runs.start_run(export, by=None)
    url = f"/admin/connections/{shared.pk}/remove/"
    alice_client.post(url, {f"use-{export.pk}": "detach"})
    alice_client.post(url, {f"use-{export.pk}": "detach"})
    pipeline.run_slice(run.pk)
    tasks.enqueue_pending()
    tasks.enqueue_pending()
    assert not Connection.objects.filter(pk=shared.pk).exists()
    assert Export.objects.get().connection is None


def _ended_in_order(run: Run, account: RunningSandbox) -> None:
    run.refresh_from_db()
    assert (run.status, run.reason) == (JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
    assert 0 < run.delivered < 60
    assert run.delivered + run.left + run.rejected + run.not_sent == run.planned == 60
    assert len(account.people()) == run.delivered == SyncedContact.objects.count()


def _carry_on(run_id: Any) -> None:
    try:
        pipeline.run_slice(run_id)
    finally:
        database.close()

"""Case 17: a worker stands still for longer than its lease, others take its run over, and it goes on."""

import threading

import pytest
from django.db import connection as database
from django.db.models import F
from pytest_django import Settings

from exports.actions import runs
from exports.models import Export, Removal, Run
from exports.run import pipeline
from tests.support.members import CROWD, crowd_of, leave
from tests.support.removals import export_of, run
from tests.support.sandbox import RunningSandbox
from tests.support.waiting import wait_until

LEAVERS = CROWD[:8]
SLOW_LOOK_UP = {"kind": "slow", "method": "GET", "path": "/subscribers/", "seconds": 0.3}


@pytest.fixture
def export(account: RunningSandbox, settings: Settings) -> Export:
    """Make an export that has sent contacts, of which some have left since."""
    settings.LEASE_SECONDS = 2  # a renewal every half second tells that another worker has the run
    segment = crowd_of(CROWD)
    made = export_of(account, segment, Removal.DELETE)
    run(made)
    leave(segment, *LEAVERS)
    return made


def test_no_further_contact_is_removed_once_another_worker_has_the_run(
    account: RunningSandbox, export: Export
) -> None:
    account.faults({"rules": [SLOW_LOOK_UP]})
    removing = runs.start_run(export, by=None)
    worker = threading.Thread(target=_work, args=(removing.pk,))
    worker.start()
    wait_until(lambda: account.counts(export.list_id)["Deleted"] > 0, seconds=20)
    Run.objects.filter(pk=removing.pk).update(attempt=F("attempt") + 1)
    worker.join(timeout=60)
    assert 0 < account.counts(export.list_id)["Deleted"] < len(LEAVERS)


def _work(run_id: int) -> None:
    try:
        pipeline.run_slice(run_id)
    finally:
        database.close()

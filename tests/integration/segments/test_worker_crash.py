"""Imports and refreshes continue after their worker dies, and no reader sees a part of one."""

from pathlib import Path

import pytest

from config.platform.jobs.models import OPEN, JobStatus
from segments import actions
from segments.models import ImportJob, ProfileAttribute, Segment
from segments.sources import actions as sources_actions
from tests.support.pausing import imports_held_half_way, one_is_held
from tests.support.people_csv import write_people_csv
from tests.support.profiles import profile_count, profile_keys
from tests.support.waiting import wait_until
from tests.support.workers import worker_processes

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
QUICK_LEASES = {"LEASE_SECONDS": "2"}
ROWS = 5_000


def test_an_import_outlives_its_worker_and_a_lost_message_is_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people_csv(path, ROWS)
    with worker_processes(tmp_path / "var", env=QUICK_LEASES) as workers:
        with imports_held_half_way():
            job = sources_actions.start_import(path=path, key_column="id", source_name="Shop", by=None)
            wait_until(one_is_held)
            workers.kill("jobs")
        assert not profile_count()
        assert not ProfileAttribute.objects.exists()
        workers.start("jobs")
        wait_until(
            lambda: not ImportJob.objects.filter(pk=job.pk, status__in=OPEN).exists(),
            tell=lambda: workers.log("jobs") + workers.log("control"),
        )
        # No message is sent for this one: the tick finds it.
        segment = actions.create_segment(name="Everyone", rules_tree={}, by=None, wake_worker=False)
        wait_until(lambda: Segment.objects.filter(pk=segment.pk, member_count=ROWS).exists())
    job.refresh_from_db()
    assert (job.status, job.rows_created, job.rows_refused) == (JobStatus.SUCCESSFUL, ROWS, 0)
    assert job.attempt >= 2
    assert profile_count(job.source) == len(set(profile_keys())) == ROWS


def test_an_import_stops_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people_csv(path, ROWS)
    with worker_processes(tmp_path / "var") as workers:
        with imports_held_half_way():
            job = sources_actions.start_import(path=path, key_column="id", source_name="Shop", by=None)
            wait_until(one_is_held)
            ImportJob.objects.filter(pk=job.pk).update(cancel_requested_at=job.created_at)
            wait_until(lambda: _beats_since(job))
        wait_until(lambda: not ImportJob.objects.filter(pk=job.pk, status__in=OPEN).exists())
        log = workers.log("jobs")
    assert ImportJob.objects.get(pk=job.pk).status == JobStatus.CANCELED, log
    assert not profile_count()


def _beats_since(job: ImportJob) -> bool:
    """Say whether the lease was extended, and so the request to stop was read."""
    before, job.lease_until = job.lease_until, ImportJob.objects.get(pk=job.pk).lease_until
    return before is not None and before != job.lease_until

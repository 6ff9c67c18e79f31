"""Workers die; imports and refreshes go on, and nobody ever sees half of one."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config.jobs.models import OPEN, JobStatus
from segments import actions
from segments.models import ImportJob, Profile, ProfileAttribute, Segment
from tests.people import write_people_csv
from tests.processes import worker_processes

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
QUICK_LEASES = {"LEASE_SECONDS": "2"}
ROWS = 120_000


def wait_until(happened: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_an_import_outlives_its_worker_and_a_lost_doorbell_is_rung_again(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people_csv(path, ROWS)
    with worker_processes(tmp_path / "var", env=QUICK_LEASES) as workers:
        job = actions.start_import(path=path, key_column="id", source_name="Shop", by=None)

        def is_half_way() -> bool:
            job.refresh_from_db()
            return job.status == JobStatus.PROCESSING and job.progress_done > 0

        wait_until(is_half_way)
        workers.kill("work")
        assert not Profile.objects.exists()
        assert not ProfileAttribute.objects.exists()
        workers.start("work")
        wait_until(lambda: not ImportJob.objects.filter(pk=job.pk, status__in=OPEN).exists())
        # Nobody rings for this one: the tick finds it.
        segment = actions.create_segment(name="Everyone", rules_tree={}, by=None, ring=False)
        wait_until(lambda: Segment.objects.filter(pk=segment.pk, member_count=ROWS).exists())
    job.refresh_from_db()
    assert (job.status, job.rows_created, job.rows_refused) == (JobStatus.SUCCESSFUL, ROWS, 0)
    assert job.attempt >= 2
    assert Profile.objects.count() == job.source.profiles.values("key").distinct().count() == ROWS


def test_an_import_stops_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people_csv(path, ROWS)
    with worker_processes(tmp_path / "var") as workers:
        job = actions.start_import(path=path, key_column="id", source_name="Shop", by=None)
        wait_until(lambda: ImportJob.objects.get(pk=job.pk).status == JobStatus.PROCESSING)
        ImportJob.objects.filter(pk=job.pk).update(cancel_requested_at=job.created_at)
        wait_until(lambda: not ImportJob.objects.filter(pk=job.pk, status__in=OPEN).exists())
        log = workers.log("work")
    assert ImportJob.objects.get(pk=job.pk).status == JobStatus.CANCELED, log
    assert not Profile.objects.exists()

"""Jobs whose sessions of the profile store are ended, or whose commit has expired, end as if that had not been."""

from pathlib import Path

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from segments import actions, maintenance, refresh_job
from segments.models import DataSource, Erasure, ImportJob, Segment, SegmentRefresh
from segments.sources import actions as source_actions
from segments.sources import import_job
from segments.store import engine, identity, lake, locks, matching
from segments.store import maintenance as store_maintenance
from segments.store.merge import Merge
from tests.support.profiles import create_profiles, members_of, profile_count

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def everyone() -> Segment:
    create_profiles([{"email": "ann@example.com"}, {"email": "ben@example.com"}])
    return actions.create_segment(name="Everyone", rules_tree={"rules": []}, by=None, wake_worker=False)


@pytest.fixture
def job(everyone: Segment) -> SegmentRefresh:
    return actions.request_refresh(everyone, by=None, wake_worker=False)


@pytest.fixture
def sessions_end_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first evaluation of rules loses its sessions of the catalog, as when a purge waits too long for it."""
    find = matching.find_matching

    def find_matching(reader: lake.Reader, conditions: matching.Conditions, rules: list[str]) -> None:
        monkeypatch.setattr(matching, "find_matching", find)
        find(reader, conditions, rules)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
                [locks.SESSION_NAME],
            )

    monkeypatch.setattr(matching, "find_matching", find_matching)


@pytest.mark.usefixtures("sessions_end_once")
def test_a_refresh_whose_sessions_are_ended_starts_over(everyone: Segment, job: SegmentRefresh) -> None:
    with pytest.raises(OperationalError):
        refresh_job.run_refresh(job.pk)
    job.refresh_from_db()
    assert job.status == JobStatus.PROCESSING
    SegmentRefresh.objects.update(lease_until=None)
    ended = refresh_job.run_refresh(job.pk)
    assert ended is not None
    assert (ended.status, ended.attempt) == (JobStatus.SUCCESSFUL, 2)
    everyone.refresh_from_db()
    assert len(members_of(everyone)) == 2


@pytest.mark.usefixtures("everyone")
def test_a_refresh_with_the_wrong_store_says_which_setting_is_wrong(
    job: SegmentRefresh, settings: Settings, tmp_path: Path
) -> None:
    settings.PROFILE_STORE = tmp_path
    try:
        ended = refresh_job.run_refresh(job.pk)
    finally:
        engine.close()
    assert ended is not None
    assert ended.status == JobStatus.FAILED
    assert ended.message.startswith("PROFILE_STORE does not have the profiles")
    assert not (tmp_path / identity.FILE_NAME).exists()


def test_an_import_counts_right_when_its_commit_expired_before_it_was_concluded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,email\n1,ann@example.com\n2,ben@example.com\n")
    job = source_actions.start_import(path=path, key_column="id", source_name="Shop", by=None, wake_worker=False)
    run = Merge.run

    def run_and_die(merge: Merge) -> dict[str, object]:
        run(merge)
        raise KeyboardInterrupt

    monkeypatch.setattr(Merge, "run", run_and_die)
    with pytest.raises(KeyboardInterrupt):
        import_job.run_import(job.pk)
    monkeypatch.undo()
    with lake.writing("test") as writer:  # a later version, so that the one of the import expires
        writer.execute("INSERT INTO lake.member VALUES (1, 1)")
    store_maintenance.purge()
    ImportJob.objects.update(lease_until=None)
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert (ended.rows_created, ended.rows_unchanged) == (2, 0)
    assert DataSource.objects.get().profile_count == profile_count() == 2


def test_a_purge_finishes_erasures_that_a_crash_interrupted(everyone: Segment) -> None:
    with lake.reading() as reader:
        ((pk,), *_) = reader.rows("SELECT id FROM lake.profile")
    erasure = Erasure.objects.create(short_id="0", erased_by_name="Alice", pending_ids=[pk])
    with lake.reading() as reader:
        before = reader.row("SELECT count(*) FROM lake.profile")[0]
    maintenance.purge_erased()
    with lake.reading() as reader:
        assert reader.row("SELECT count(*) FROM lake.profile")[0] == before - 1
    erasure.refresh_from_db()
    assert erasure.pending_ids == []
    assert erasure.purged_at is not None

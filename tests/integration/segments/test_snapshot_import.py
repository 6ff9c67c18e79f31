"""In snapshot mode the profiles leave that are not in the file; guards hold removals that look like a mistake."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import Condition, Kind
from segments import actions as segment_actions
from segments import refresh_job
from segments.catalog import types_by_name
from segments.models import DataSource, ImportJob, ImportMode
from segments.privacy import erase
from segments.privacy.subjects import Scope
from segments.sources import actions, held_imports, import_job, in_place
from segments.sources.prepare import prepare
from segments.store import lake
from tests.support.profiles import all_profiles, get_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "people.csv"


def write(file: Path, keys: Sequence[int], more: str = "") -> None:
    file.write_text("id,name\n" + "".join(f"{key},name {key}\n" for key in keys) + more)


def imported(file: Path, mode: ImportMode | None = ImportMode.SNAPSHOT, **options: Any) -> ImportJob:
    job = actions.start_import(
        path=file, key_column="id", source_name="Shop", by=None, mode=mode, wake_worker=False, **options
    )
    return run(job)


def run(job: ImportJob) -> ImportJob:
    ended = import_job.run_import(job.pk)
    assert ended is not None
    ended.refresh_from_db()
    return ended


def keys() -> list[int]:
    return sorted(int(profile.key) for profile in all_profiles())


def commits() -> int:
    with lake.reading() as reader:
        return int(reader.row("SELECT max(snapshot_id) FROM lake.snapshots()")[0])


def test_profiles_that_are_not_in_the_file_leave(file: Path) -> None:
    write(file, range(20))
    imported(file, ImportMode.UPSERT)
    write(file, range(2, 21), "5,changed\n")
    before = commits()
    job = imported(file)
    assert job.status == JobStatus.WARNINGS  # the line of key 5 that was repeated
    assert keys() == list(range(2, 21))
    assert (job.rows_read, job.rows_created, job.rows_updated, job.rows_unchanged, job.rows_refused) == (
        20,
        1,
        1,
        17,
        1,
    )
    assert job.profiles_removed == 2
    assert commits() == before + 1
    assert DataSource.objects.get().profile_count == 19
    assert get_profile("5").attributes["name"] == "changed"
    entry = AuditEntry.objects.get(action="profiles removed")
    assert entry.changes == {"file": [None, "people.csv"], "customers": [20, 19]}


def test_an_upsert_removes_no_profile(file: Path) -> None:
    write(file, range(20))
    imported(file, mode=None)
    write(file, [1])
    job = imported(file, mode=None)
    assert (job.mode, job.profiles_removed, len(keys())) == ("upsert", 0, 20)


def test_only_removals_are_a_commit_too(file: Path) -> None:
    write(file, range(20))
    imported(file)
    write(file, range(1, 20))
    job = imported(file)
    assert (job.rows_unchanged, job.profiles_removed) == (19, 1)
    assert keys() == list(range(1, 20))


def test_profiles_of_other_sources_stay(file: Path) -> None:
    write(file, range(20))
    imported(file)
    job = actions.start_import(path=file, key_column="id", source_name="Web", by=None, wake_worker=False)
    run(job)
    write(file, range(1, 20))
    imported(file)
    assert sorted(int(profile.key) for profile in all_profiles() if profile.source_name == "Web") == list(
        range(20)
    )


def test_the_data_source_keeps_its_mode(file: Path) -> None:
    write(file, range(20))
    imported(file)
    assert DataSource.objects.get().mode == ImportMode.SNAPSHOT
    write(file, range(1, 20))
    assert imported(file, mode=None).profiles_removed == 1
    write(file, range(2, 20))
    job = actions.refresh_data_source(DataSource.objects.get(), by=None, wake_worker=False)
    assert run(job).profiles_removed == 1
    imported(file, ImportMode.UPSERT)
    assert DataSource.objects.get().mode == ImportMode.UPSERT
    changes = AuditEntry.objects.filter(action="edited").order_by("pk").values_list("changes", flat=True)
    assert list(changes) == [{"mode": ["upsert", "snapshot"]}, {"mode": ["snapshot", "upsert"]}]


@pytest.mark.parametrize(
    "more",
    [
        "0\n",  # too few columns
        "0,x,y\n",
        '0,"open\n',
        "0,nul\x00\n",
        "0,name 0\n0,name 0\n",  # repeated
    ],
)
def test_a_broken_row_is_not_a_missing_row(file: Path, more: str) -> None:
    write(file, range(20))
    imported(file)
    write(file, range(2, 20), more)
    job = imported(file)
    assert job.profiles_removed == 1
    assert keys() == [0, *range(2, 20)]
    assert job.rows_read == job.rows_created + job.rows_updated + job.rows_unchanged + job.rows_refused


def test_a_row_that_is_rejected_for_a_value_is_not_missing(file: Path) -> None:
    file.write_text("id,points\n" + "".join(f"{key},{key}\n" for key in range(20)))
    imported(file)
    DataSource.objects.update(
        column_plans=[{"column": "id"}, {"column": "points", "type": "integer", "misfit": "reject"}]
    )
    file.write_text("id,points\n0,many\n" + "".join(f"{key},{key}\n" for key in range(2, 20)))
    job = imported(file)
    assert (job.rows_refused, job.profiles_removed) == (1, 1)
    assert get_profile("0").attributes["points"] == 0


@pytest.mark.parametrize("content", ["id,name\n", "id,name\n,a\n,b\n"])
def test_a_file_without_a_key_removes_no_profile(file: Path, content: str) -> None:
    write(file, range(20))
    imported(file)
    file.write_text(content)
    job = imported(file, confirmed_removals=20)
    assert job.status == JobStatus.FAILED
    assert len(keys()) == 20


def test_a_file_of_rows_without_readable_keys_is_held(file: Path) -> None:
    write(file, range(20))
    imported(file)
    write(file, range(1, 20), ",a\n" * 30)
    assert imported(file).removal_guard == "unreadable"
    assert len(keys()) == 20


def test_rows_that_a_quotation_mark_hides_are_held(file: Path) -> None:
    write(file, range(20))
    imported(file)
    write(file, range(1, 20), '30,"a\n0,b\n31,c\n32,d"\n')
    assert imported(file).removal_guard == "merged"
    assert len(keys()) == 20


def held(file: Path) -> ImportJob:
    """Hold the removal of half of the profiles."""
    write(file, range(40))
    imported(file)
    file.write_text("id,name,new\n" + "".join(f"{key},other,x\n" for key in range(20)))
    job = imported(file)
    assert job.status == JobStatus.NEEDS_CONFIRMATION
    return job


def test_held_removals_change_nothing(file: Path) -> None:
    job = held(file)
    assert (job.to_remove, job.profiles_before, job.removal_guard) == (20, 40, "halved")
    assert (job.rows_read, job.finished_at is None, job.profiles_removed) == (20, False, 0)
    assert held_imports.held_sentence(job) == "20 of 40 customers are not in the file and would be removed."
    assert keys() == list(range(40))
    assert get_profile("1").attributes == {"id": "1", "name": "name 1"}
    assert "new" not in types_by_name()
    assert set(held_imports.keys_to_remove(job) or ()) == {str(key) for key in range(20, 40)}
    alert = Condition.objects.get(kind=Kind.NEEDS_CONFIRMATION)
    assert (alert.closed_at, alert.path) == (None, f"/data/imports/{job.pk}/")


def test_confirmed_removals_are_made(file: Path, alice: User) -> None:
    job = held(file)
    assert held_imports.confirm_removals(job, count=20, by=alice, wake_worker=False)
    done = run(job)
    assert (done.status, done.profiles_removed, done.rows_updated) == (JobStatus.SUCCESSFUL, 20, 20)
    assert keys() == list(range(20))
    assert held_imports.keys_to_remove(done) is None
    assert not list((file.parent / "uploads" / "leaving").glob("*"))
    assert Condition.objects.get(kind=Kind.NEEDS_CONFIRMATION).closed_at is not None
    assert AuditEntry.objects.get(action="removals confirmed").changes == {"customers": [None, 20]}


def test_a_confirmation_counts_once(file: Path, alice: User) -> None:
    job = held(file)
    assert held_imports.confirm_removals(job, count=20, by=alice, wake_worker=False)
    assert not held_imports.confirm_removals(job, count=20, by=alice, wake_worker=False)
    run(job)
    assert not held_imports.confirm_removals(job, count=20, by=alice, wake_worker=False)
    assert AuditEntry.objects.filter(action="removals confirmed").count() == 1


def test_more_removals_than_were_confirmed_are_held_again(file: Path) -> None:
    job = held(file)
    write(file, range(19))  # changed since the removals were counted
    held_imports.confirm_removals(job, count=20, by=None, wake_worker=False)
    again = run(job)
    assert (again.status, again.to_remove, again.removal_guard) == (JobStatus.NEEDS_CONFIRMATION, 21, "grown")
    assert keys() == list(range(40))
    held_imports.confirm_removals(again, count=20, by=None, wake_worker=False)  # a tab with the earlier number
    assert run(again).status == JobStatus.NEEDS_CONFIRMATION
    held_imports.confirm_removals(again, count=21, by=None, wake_worker=False)
    assert run(again).profiles_removed == 21


def test_a_confirmation_allows_no_more_than_what_was_held(file: Path) -> None:
    job = held(file)
    held_imports.confirm_removals(job, count=1_000, by=None, wake_worker=False)
    assert ImportJob.objects.get(pk=job.pk).confirmed_removals == 20


def test_fewer_removals_than_were_confirmed_are_made(file: Path) -> None:
    job = held(file)
    write(file, range(30))
    held_imports.confirm_removals(job, count=20, by=None, wake_worker=False)
    assert run(job).profiles_removed == 10


def test_removals_are_confirmed_with_the_import(file: Path) -> None:
    write(file, range(40))
    imported(file)
    write(file, range(20))
    assert imported(file, confirmed_removals=19).removal_guard == "grown"
    assert imported(file, confirmed_removals=20).profiles_removed == 20


def test_a_held_import_is_canceled(file: Path) -> None:
    job = held(file)
    actions.cancel_import(job, by=None)
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELED
    assert import_job.run_import(job.pk) is None
    assert not held_imports.confirm_removals(job, count=20, by=None, wake_worker=False)
    assert len(keys()) == 40
    assert Condition.objects.get(kind=Kind.NEEDS_CONFIRMATION).closed_at is not None


def test_a_later_import_replaces_a_held_one(file: Path) -> None:
    job = held(file)
    later = actions.refresh_data_source(DataSource.objects.get(), by=None, wake_worker=False)
    job.refresh_from_db()
    assert (job.status, "later import" in job.message) == (JobStatus.CANCELED, True)
    assert Condition.objects.get(kind=Kind.NEEDS_CONFIRMATION).closed_at is None
    assert run(later).status == JobStatus.NEEDS_CONFIRMATION
    assert Condition.objects.filter(kind=Kind.NEEDS_CONFIRMATION).count() == 1


def test_the_file_of_a_held_import_is_kept_for_a_week(file: Path, django_capture_on_commit_callbacks: Any) -> None:
    job = held(file)
    folder = file.parent / "uploads"
    upload = folder / "an-upload.csv"
    upload.write_text("id\n1\n")
    long_ago = clock.now() - timezone.timedelta(days=6)  # type: ignore[attr-defined]
    ImportJob.objects.filter(pk=job.pk).update(path=str(upload), finished_at=long_ago)
    os.utime(upload, (0, 0))
    actions.delete_abandoned_uploads()
    assert upload.exists()
    assert held_imports.keys_to_remove(job) is not None
    ImportJob.objects.filter(pk=job.pk).update(finished_at=long_ago - timezone.timedelta(days=2))  # type: ignore[attr-defined]
    with django_capture_on_commit_callbacks(execute=True):
        actions.delete_abandoned_uploads()
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELED
    assert not upload.exists()
    assert not list((folder / "leaving").glob("*"))


def test_members_leave_with_the_next_refresh(file: Path) -> None:
    write(file, range(20))
    imported(file)
    rules = {"join": "and", "rules": [{"attribute": "name", "operator": "starts_with", "value": "name 1"}]}
    segment = segment_actions.create_segment(name="Ones", rules_tree=rules, by=None, wake_worker=False)
    refresh_job.run_refresh(segment.refreshes.get().pk)
    segment.refresh_from_db()
    assert segment.member_count == 11
    write(file, [key for key in range(20) if key not in (1, 10)])
    imported(file)
    job = segment_actions.request_refresh(segment, by=None, wake_worker=False)
    refresh_job.run_refresh(job.pk)
    segment.refresh_from_db()
    job.refresh_from_db()
    assert (segment.member_count, job.removed) == (9, 2)


def test_a_person_who_is_erased_is_no_removal(file: Path, alice: User) -> None:
    write(file, range(20))
    imported(file)
    erase.erase(get_profile("3"), scope=Scope.PROFILE, by=alice)
    write(file, range(20))
    job = imported(file)
    assert (job.rows_refused, job.profiles_removed) == (1, 0)
    assert DataSource.objects.get().profile_count == 19


def test_a_worker_that_died_after_the_commit_is_concluded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, range(20))
    imported(file)
    write(file, range(1, 20))

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(import_job, "_conclude", die)
        with pytest.raises(KeyboardInterrupt):
            imported(file)
    assert keys() == list(range(1, 20))
    job = ImportJob.objects.latest("pk")
    assert (job.status, job.profiles_removed) == (JobStatus.PROCESSING, 0)
    ImportJob.objects.update(lease_until=None)
    before = commits()
    assert run(job).profiles_removed == 1
    assert commits() == before
    assert DataSource.objects.get().profile_count == 19


def test_a_file_that_is_converted_in_one_pass_is_compared_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_place, "MIN_BYTES", 0)
    write(file, range(20))
    imported(file)
    write(file, range(3, 20), ",no key\n0,again\n0,once more\n")
    job = imported(file)
    assert keys() == [0, *range(3, 20)]
    assert (job.rows_read, job.rows_updated, job.rows_unchanged, job.rows_refused) == (20, 1, 17, 2)
    assert job.profiles_removed == 2
    write(file, range(10))
    assert imported(file).status == JobStatus.NEEDS_CONFIRMATION


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_file_that_changes_while_it_is_read_is_not_imported(
    file: Path, monkeypatch: pytest.MonkeyPatch, is_replaced: bool
) -> None:
    write(file, range(20))
    imported(file)

    def prepare_beside_a_writer(*arguments: Any) -> Any:
        staged = prepare(*arguments)
        written = file.with_suffix(".new") if is_replaced else file
        write(written, range(20))
        written.replace(file)
        return staged

    monkeypatch.setattr(import_job, "prepare", prepare_beside_a_writer)
    write(file, range(1, 20))  # the writer has not finished
    job = imported(file)
    assert (job.status, job.message) == (
        JobStatus.FAILED,
        "The file changed while it was read. Nothing was imported. Import it again.",
    )
    assert keys() == list(range(20))

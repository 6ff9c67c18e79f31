"""A change of type waits for jobs that read the attribute, and leaves it whole when its worker is killed."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments import catalog, maintenance
from segments.attribute_changes import actions, frame
from segments.attribute_changes import job as change_job
from segments.attribute_changes.frame import ChangeRefused, InProgress
from segments.models import (
    AttributeChange,
    DeletedAttribute,
    ImportJob,
    ProfileAttribute,
)
from segments.sources import import_job
from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.store import lake, schema
from tests.support.attribute_changes import (
    attribute,
    import_file,
    request_retype,
    retype,
    source_of,
    text_plan,
    values,
)

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = "id,age\n1,42\n2,007\n3,\n4,unknown\n5,+5\n"


@pytest.fixture
def ages(tmp_path: Path) -> ImportJob:
    return import_file(tmp_path / "a.csv", TEXTS, plans=text_plan("age"))


def test_an_import_that_a_worker_has_begun_is_waited_for(ages: ImportJob, bob: User) -> None:
    queued = request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    begun = ImportJob.objects.create(
        source=source_of(ages), file_name="new.csv", path="/new.csv", status=JobStatus.PROCESSING
    )
    assert change_job.run_change(queued.pk) is None
    queued.refresh_from_db()
    assert queued.status == JobStatus.QUEUED
    begun.delete()
    done = change_job.run_change(queued.pk)
    assert done is not None
    assert done.status == JobStatus.WARNINGS


def test_it_gives_up_after_a_while_with_the_name_of_what_reads_it(ages: ImportJob, bob: User) -> None:
    queued = request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    ImportJob.objects.create(
        source=source_of(ages), file_name="new.csv", path="/new.csv", status=JobStatus.PROCESSING
    )
    AttributeChange.objects.update(created_at=clock.now() - change_job.WAIT_LIMIT - timedelta(seconds=1))
    done = change_job.run_change(queued.pk)
    assert done is not None
    assert (done.status, "In progress: “new.csv”" in done.message) == (JobStatus.FAILED, True)


def test_a_queued_import_waits_and_gets_the_new_type(tmp_path: Path, ages: ImportJob, bob: User) -> None:
    queued = request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    waiting = ImportJob.objects.create(
        source=source_of(ages),
        file_name="a.csv",
        path=str(tmp_path / "a.csv"),
        column_plans=[ColumnPlan("age").to_dict()],
    )
    assert import_job.run_import(waiting.pk) is None
    assert change_job.run_change(queued.pk) is not None
    done = import_job.run_import(waiting.pk)
    assert done is not None
    assert (done.rows_unchanged, done.rows_read) == (5, 5)


def test_the_command_does_the_change_that_its_import_waits_for(tmp_path: Path, ages: ImportJob, bob: User) -> None:
    queued = request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    call_command("import_profiles", str(tmp_path / "a.csv"), key=["id"], source="File", verbosity=0)
    queued.refresh_from_db()
    assert queued.status == JobStatus.WARNINGS
    assert ImportJob.objects.latest("pk").rows_unchanged == 5


def test_a_second_change_waits_for_the_first(ages: ImportJob, bob: User) -> None:
    request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    with pytest.raises(InProgress, match="In progress: “age”"):
        request_retype("id", ColumnType.INTEGER, by=bob)


def test_a_change_of_what_another_user_has_changed_is_refused(ages: ImportJob, bob: User) -> None:
    seen = attribute("age")
    retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    ProfileAttribute.objects.filter(pk=seen.pk).update(data_type=seen.data_type)
    with pytest.raises(ChangeRefused, match="Another user has changed the attribute"):
        actions.request_retype(seen, {"": ColumnPlan("age")}, accepted_misfits=0, by=bob)


def test_a_worker_that_is_killed_after_the_commit_leaves_the_attribute_as_it_was(
    ages: ImportJob, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)

    def killed(*_args: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(change_job, "_conclude", killed)
        with pytest.raises(SystemExit):
            change_job.run_change(queued.pk)
    assert values("age") == ["42", "007", None, "unknown", "+5"]
    (orphaned,) = DeletedAttribute.objects.values_list("pk", flat=True)
    AttributeChange.objects.update(lease_until=None)
    done = change_job.run_change(queued.pk)
    assert done is not None
    assert values("age") == [42, 7, None, None, 5]
    DeletedAttribute.objects.update(deleted_at=clock.now() - timedelta(days=2))
    maintenance.drop_deleted_columns()
    with lake.reading() as reader:
        columns = schema.column_names(reader)
    assert f"a{orphaned}" not in columns
    assert f"a{attribute('age').pk}" not in columns
    assert values("age") == [42, 7, None, None, 5]


def test_a_lock_that_another_user_holds_too_long_is_waited_for(
    ages: ImportJob, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "_LOCK_SECONDS", 1)
    queued = request_retype("age", ColumnType.INTEGER, by=bob, accepted=1)
    is_held, is_done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            catalog.lock_names()
            is_held.set()
            is_done.wait(60)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    is_held.wait(60)
    try:
        assert change_job.run_change(queued.pk) is None
    finally:
        is_done.set()
        other.join()
    queued.refresh_from_db()
    assert (queued.status, values("age")[0]) == (JobStatus.QUEUED, "42")
    assert change_job.run_change(queued.pk) is not None
    assert values("age")[0] == 42

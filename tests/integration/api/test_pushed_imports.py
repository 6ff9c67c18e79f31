"""What was accepted with 202 is merged in order, or kept: failed, held and repeated imports of pushes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import Condition, Kind
from segments import tasks
from segments.models import DataSource, ImportJob, ImportMode, PushedBatch
from segments.privacy import erase
from segments.privacy.subject_access import personal_data_report
from segments.privacy.subjects import Scope
from segments.sources import held_imports
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType, plans_to_list
from segments.sources.files.file_format import FileRefused
from segments.sources.push import ended, inbox, merge
from tests.support.api import ApiClient, client_of
from tests.support.profiles import all_profiles

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(bob: User, enqueued: list[Any]) -> ApiClient:
    return client_of(bob)


@pytest.fixture
def source(client: ApiClient) -> DataSource:
    attributes = [{"name": "id", "type": "text"}, {"name": "email", "type": "text"}]
    body = {"name": "Shop", "key_columns": ["id"], "attributes": attributes}
    return DataSource.objects.get(pk=client.post("sources", body).json()["id"])


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys whose imports fail."""
    keys: list[str] = []
    write = inbox.write_file

    def write_file(job: ImportJob, folder: Any) -> Any:
        if any(set(keys) & set(batch.keys) for batch in job.pushed_batches.all()):
            raise FileRefused("Poison.")
        return write(job, folder)

    monkeypatch.setattr("segments.sources.source_file.write_file", write_file)
    return keys


def push(client: ApiClient, source: DataSource, *profiles: object, **more: object) -> None:
    response = client.post(f"sources/{source.pk}/profiles", {"profiles": list(profiles), **more})
    assert (response.status_code, response.json()["rejected"]) == (202, 0)


def start_snapshot(client: ApiClient, source: DataSource, *profiles: object) -> str:
    """Push a snapshot. Returns the path that finishes it."""
    snapshot = client.post(f"sources/{source.pk}/snapshots").json()["id"]
    push(client, source, *profiles, snapshot_id=snapshot)
    return f"sources/{source.pk}/snapshots/{snapshot}/finish"


def emails() -> dict[str, object]:
    return {each.key: each.attributes.get("email") for each in all_profiles()}


def open_alerts() -> set[str]:
    return set(Condition.objects.filter(closed_at=None).values_list("kind", flat=True))


def hold_a_snapshot(client: ApiClient, source: DataSource) -> ImportJob:
    push(client, source, *({"id": str(n)} for n in range(10)))
    tasks.merge_pushed(source.pk)
    finish = start_snapshot(client, source, {"id": "1", "email": "old@example.com"})
    job = ImportJob.objects.get(pk=client.post(finish, {"profiles": 1}).json()["id"])
    tasks.import_file(job.pk)
    job.refresh_from_db()
    assert job.status == JobStatus.NEEDS_CONFIRMATION
    return job


def test_profiles_of_a_failed_import_are_imported_again_later(
    client: ApiClient, source: DataSource, poison: list[str]
) -> None:
    poison.append("1")
    push(client, source, {"id": "1", "email": "ann@example.com"})
    tasks.merge_pushed(source.pk)
    ended.conclude_all_ended()
    assert ImportJob.objects.get().status == JobStatus.FAILED
    assert merge.sources_to_merge() == [], "it is not imported again at once"
    poison.clear()
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        assert merge.sources_to_merge() == [source.pk]
        tasks.merge_pushed(source.pk)
    assert emails() == {"1": "ann@example.com"}
    assert not PushedBatch.objects.exists()


def test_the_wait_grows_with_failed_imports_up_to_an_hour() -> None:
    waits = [ended.wait_after(count) for count in range(1, 60)]
    assert waits == sorted(waits)
    assert waits[0] < timedelta(minutes=1)
    assert waits[-1] == timedelta(hours=1)


def test_a_batch_that_cannot_be_imported_holds_no_other(
    client: ApiClient, source: DataSource, poison: list[str]
) -> None:
    poison.append("bad")
    push(client, source, {"id": "bad"})
    for n in range(9):
        push(client, source, {"id": str(n)})
    for attempt in range(4):
        with time_machine.travel(clock.now() + timedelta(hours=2 * attempt)):
            tasks.merge_pushed(source.pk)
            for job in ImportJob.objects.filter(status=JobStatus.QUEUED):
                tasks.import_file(job.pk)
    assert set(emails()) == {str(n) for n in range(9)}
    assert [batch.keys for batch in PushedBatch.objects.all()] == [["bad"]]
    assert open_alerts() == {Kind.FAILED}, "later imports that succeed do not hide what still waits"


def test_a_later_profile_is_not_replaced_by_an_earlier_one_that_waited(
    client: ApiClient, source: DataSource, poison: list[str]
) -> None:
    poison.append("1")
    push(client, source, {"id": "1", "email": "old@example.com"}, {"id": "2", "email": "ben@example.com"})
    tasks.merge_pushed(source.pk)
    ended.conclude_all_ended()
    poison.clear()
    push(client, source, {"id": "1", "email": "new@example.com"})
    tasks.merge_pushed(source.pk)
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        tasks.merge_pushed(source.pk)
    assert emails() == {"1": "new@example.com", "2": "ben@example.com"}
    assert not PushedBatch.objects.exists()


def test_rows_that_are_all_rejected_are_not_imported_again(
    client: ApiClient, source: DataSource, alice: User
) -> None:
    push(client, source, {"id": "1", "email": "ann@example.com"})
    tasks.merge_pushed(source.pk)
    erase.erase(all_profiles()[0], scope=Scope.ADDRESS, by=alice)
    push(client, source, {"id": "1", "email": "ann@example.com"})
    tasks.merge_pushed(source.pk)
    ended.conclude_all_ended()
    assert not PushedBatch.objects.exists()


def test_a_snapshot_whose_import_failed_can_be_finished_again(
    client: ApiClient, source: DataSource, poison: list[str]
) -> None:
    poison.append("1")
    finish = start_snapshot(client, source, {"id": "1"}, {"id": "2"})
    tasks.import_file(client.post(finish, {"profiles": 2}).json()["id"])
    poison.clear()
    response = client.post(finish, {"profiles": 2})
    assert response.status_code == 202
    tasks.import_file(response.json()["id"])
    assert set(emails()) == {"1", "2"}
    assert client.post(finish, {"profiles": 2}).status_code == 409


def test_later_profiles_wait_while_a_snapshot_awaits_confirmation(client: ApiClient, source: DataSource) -> None:
    job = hold_a_snapshot(client, source)
    push(client, source, {"id": "1", "email": "new@example.com"})
    assert merge.sources_to_merge() == []
    tasks.merge_pushed(source.pk)
    assert open_alerts() == {Kind.NEEDS_CONFIRMATION}
    held_imports.confirm_removals(job, count=9, by=None)
    tasks.import_file(job.pk)
    assert merge.sources_to_merge() == [source.pk]
    tasks.merge_pushed(source.pk)
    assert emails() == {"1": "new@example.com"}
    assert open_alerts() == set()


def test_an_import_that_waited_before_keeps_the_alert_of_a_held_one(client: ApiClient, source: DataSource) -> None:
    hold_a_snapshot(client, source)
    push(client, source, {"id": "1"})
    early = inbox.new_job(source, mode=ImportMode.UPSERT, by=None)
    PushedBatch.objects.filter(job=None).update(job=early)
    tasks.import_file(early.pk)
    early.refresh_from_db()
    assert early.status == JobStatus.SUCCESSFUL
    assert open_alerts() == {Kind.NEEDS_CONFIRMATION}


def test_an_import_is_bounded_in_rows_and_bytes(
    client: ApiClient, source: DataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _batch in range(3):
        push(client, source, {"id": "1"}, {"id": "2", "email": "x" * 100})
    assert {batch.byte_count for batch in PushedBatch.objects.all()} == {len("1,\n2,\n") + 100}
    monkeypatch.setattr(merge, "_MOST_ROWS", 5)
    assert len(merge._first_group(source.pk)) == 2
    monkeypatch.setattr(merge, "_MOST_BYTES", 150)
    assert len(merge._first_group(source.pk)) == 1


def test_batches_with_other_columns_are_not_overtaken(client: ApiClient, source: DataSource) -> None:
    for _batch in range(3):
        push(client, source, {"id": "1"})
    first, middle, _last = PushedBatch.objects.order_by("pk")
    middle.columns = ["id", "mail"]
    middle.save()
    assert merge._first_group(source.pk) == [first.pk]


def test_an_import_names_the_user_who_pushed(client: ApiClient, source: DataSource, bob: User) -> None:
    push(client, source, {"id": "1"})
    tasks.merge_pushed(source.pk)
    job = ImportJob.objects.get()
    assert (job.mode, job.requested_by) == (ImportMode.UPSERT, bob)


def test_a_snapshot_is_finished_with_what_was_accepted_though_a_person_was_erased(
    client: ApiClient, source: DataSource, alice: User
) -> None:
    push(client, source, {"id": "1", "email": "ann@example.com"}, {"id": "2"})
    tasks.merge_pushed(source.pk)
    finish = start_snapshot(client, source, {"id": "1", "email": "ann@example.com"}, {"id": "2"})
    (ann,) = (each for each in all_profiles() if each.key == "1")
    erase.erase(ann, scope=Scope.ADDRESS, by=alice)
    response = client.post(finish, {"profiles": 2})
    assert response.status_code == 202
    tasks.import_file(response.json()["id"])
    assert set(emails()) == {"2"}


def test_pushed_values_are_read_as_they_are_written_whatever_the_plan_of_a_change(
    client: ApiClient, source: DataSource
) -> None:
    spelling = ColumnFormat(date_format="%d.%m.%Y")
    born = ColumnPlan("email", attribute="born", type=ColumnType.DATE, format=spelling, null_words=("2026-01-31",))
    source.column_plans = plans_to_list([ColumnPlan("id", null_words=("NA",)), born])
    source.save()
    shown = client.get(f"sources/{source.pk}").json()
    assert shown["attributes"] == [{"name": "id", "type": "text"}, {"name": "born", "type": "date"}]
    push(client, source, {"id": "NA", "born": "2026-01-31"})
    tasks.merge_pushed(source.pk)
    assert [(each.key, each.attributes["born"]) for each in all_profiles()] == [("NA", "2026-01-31")]


def test_the_report_of_personal_data_contains_what_waits_in_the_inbox(
    client: ApiClient, source: DataSource, alice: User
) -> None:
    push(client, source, {"id": "1", "email": "ann@example.com"})
    tasks.merge_pushed(source.pk)
    push(client, source, {"id": "1"}, {"id": "2", "email": "ANN@example.com"}, {"id": "3"})
    (ann,) = all_profiles()
    report = personal_data_report(ann, by=alice)
    found = [(each["key"], each["attributes"]) for each in report["pushed_profiles"]]
    assert found == [("1", {"id": "1"}), ("2", {"id": "2", "email": "ANN@example.com"})]

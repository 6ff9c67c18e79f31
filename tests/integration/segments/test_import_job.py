"""Imports write all valid rows once, and report a reason for every refused row."""

from pathlib import Path

import pytest
from django.utils import timezone

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments.catalog import types_by_name
from segments.models import AttributeType, DataSource, ImportJob, ProfileAttribute
from segments.sources import actions, import_job
from segments.sources.files.file_format import FileRefused
from tests.support.people_csv import write_people_csv
from tests.support.profiles import all_profiles, get_profile, profile_count

pytestmark = pytest.mark.django_db


def imported(
    path: Path, content: str | bytes | None = None, *, key: str = "id", source: str = "Shop"
) -> ImportJob:
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    job = actions.start_import(path=path, key_column=key, source_name=source, by=None, wake_worker=False)
    ended = import_job.run_import(job.pk)
    assert ended is not None
    ended.refresh_from_db()
    return ended


def counts(job: ImportJob) -> tuple[int, int, int, int, int]:
    return job.rows_read, job.rows_created, job.rows_updated, job.rows_unchanged, job.rows_refused


def reasons(job: ImportJob) -> list[tuple[int, str]]:
    return list(job.problems.order_by("line").values_list("line", "reason"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def test_it_imports_profiles_with_typed_attributes(file: Path) -> None:
    job = imported(file, "id,name,born,agreed,points,empty\n1, Zoë ,2000-01-02,yes,1.50,\n2,,,no,-3,\n")
    assert job.status == JobStatus.SUCCESSFUL
    assert counts(job) == (2, 2, 0, 0, 0)
    assert types_by_name() == {
        "id": AttributeType.TEXT,
        "name": AttributeType.TEXT,
        "born": AttributeType.DATE,
        "agreed": AttributeType.BOOLEAN,
        "points": AttributeType.NUMBER,
    }
    assert get_profile("1").attributes == {
        "id": "1", "name": "Zoë", "born": "2000-01-02", "agreed": True, "points": 1.5,
    }  # fmt: skip
    assert get_profile("2").attributes == {"id": "2", "agreed": False, "points": -3}
    source = DataSource.objects.get(name="Shop")
    assert (source.profile_count, source.key_column) == (2, "id")
    assert source.refreshed_at is not None


def test_it_touches_only_what_has_changed(file: Path) -> None:
    imported(file, "id,name,points\n1,a,1\n2,b,2\n")
    before = {profile.key: profile.updated_at for profile in all_profiles()}
    job = imported(file, "id,name,points\n1,a,1\n2,B,2\n3,c,3\n")
    after = {profile.key: profile.updated_at for profile in all_profiles()}
    assert counts(job) == (3, 1, 1, 1, 0)
    assert after["1"] == before["1"]
    assert after["2"] > before["2"]
    assert DataSource.objects.get().profile_count == 3


def test_what_the_file_has_no_column_for_stays(file: Path) -> None:
    imported(file, "id,name,points\n1,a,1\n")
    imported(file, "id,points\n1,\n")
    assert get_profile().attributes == {"id": "1", "name": "a"}


def test_a_type_once_decided_holds(file: Path) -> None:
    imported(file, "id,points,born,agreed\n1,1,2000-01-01,yes\n6,2,,no\n")
    job = imported(file, "ID,POINTS,born,agreed\n2,ab12,,\n3,1.5,1.2.2000,\n4,04,2000/02/01,0\n5,,,perhaps\n")
    assert job.status == JobStatus.WARNINGS
    assert counts(job) == (4, 4, 0, 0, 0)
    assert job.misfits == {"POINTS": 2, "born": 1, "agreed": 1}
    assert get_profile("2").attributes == {"id": "2"}
    assert get_profile("4").attributes == {"id": "4", "points": 4, "born": "2000-02-01", "agreed": False}
    assert ProfileAttribute.objects.count() == 4


def test_a_column_without_values_is_decided_later(file: Path) -> None:
    imported(file, "id,points\n1,\n")
    assert "points" not in types_by_name()
    imported(file, "id,points\n1,5\n")
    assert types_by_name()["points"] == AttributeType.INTEGER


def test_it_keeps_faulty_rows_out_and_says_why(file: Path) -> None:
    job = imported(
        file,
        b"id,name,note\n"
        b"1,good,\n"
        b"2,too few\n"
        b"3,too,many,values\n"
        b",no key,\n"
        b"5,caf\xe9,\n"
        b"6,nul\x00,\n"
        b"\n"
        b'7,"open,\n'
        b"8,good,\n"
        b"9" * 1 + b"\ttab,x,\n" + b"k" * 201 + b",long key,\n"
        b"1,again,\n",
    )
    assert job.status == JobStatus.WARNINGS
    assert [line for line, _reason in reasons(job)] == [2, 3, 4, 5, 7, 9, 11, 12]
    assert [reason for _line, reason in reasons(job)] == [
        "Duplicate key. Line 13 was used.",
        "Too few columns: 2 instead of 3.",
        "Too many columns: 4 instead of 3.",
        "The key is empty.",
        "The value contains a NUL character.",
        "A quotation mark is not closed.",
        "The key contains a tab or a line break.",
        "The key is longer than 200 characters.",
    ]
    assert counts(job) == (11, 3, 0, 0, 8)
    names = {profile.key: profile.attributes["name"] for profile in all_profiles()}
    assert names == {"1": "again", "5": "café", "8": "good"}
    assert list(job.problems.filter(column="id").values_list("line", flat=True)) == [2, 5, 11, 12]


def test_it_counts_all_problems_and_keeps_the_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segments.sources.files.rejected.MAX_ROWS_KEPT", 5)
    rows = "".join(f"{n % 10},x\n" for n in range(100)) + ",none\n" * 3
    job = imported(file, "id,name\n" + rows)
    assert counts(job) == (103, 10, 0, 0, 93)
    assert job.problems.count() == 5


def test_what_looks_like_an_escape_is_text(file: Path) -> None:
    content = 'id,name\nC:\\new,"a\\tb\\u0000\\N ""q"" \nline"\n\\.,dot\n\\N,empty\n'
    job = imported(file, content)
    assert counts(job) == (3, 3, 0, 0, 0)
    assert {profile.key: profile.attributes["name"] for profile in all_profiles()} == {
        "C:\\new": 'a\\tb\\u0000\\N "q" \nline', "\\.": "dot", "\\N": "empty",
    }  # fmt: skip


def test_realistic_profiles_are_imported_completely(tmp_path: Path) -> None:
    path = tmp_path / "people.csv.gz"
    write_people_csv(path, 5_000, seed=3)
    job = imported(path)
    assert counts(job) == (5_000, 5_000, 0, 0, 0)
    assert counts(imported(path)) == (5_000, 0, 0, 5_000, 0)
    assert types_by_name()["birth_date"] == AttributeType.DATE
    assert types_by_name()["newsletter"] == AttributeType.BOOLEAN


def test_a_file_without_rows_fails(file: Path) -> None:
    job = imported(file, "id,name")
    assert (job.status, counts(job)) == (JobStatus.FAILED, (0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("content", "words"), [("name\na\n", "no column “id”"), ("\n,,\n", "no header line"), ("", "empty")]
)
def test_an_unusable_header_changes_nothing(file: Path, content: str, words: str) -> None:
    with pytest.raises(FileRefused, match=words):
        imported(file, content)
    assert not DataSource.objects.exists()
    assert not ImportJob.objects.exists()


def test_a_source_keeps_its_key(file: Path) -> None:
    imported(file, "id,email\n1,a@example.com\n")
    with pytest.raises(actions.KeyColumnDiffers, match="“id”, not “email”"):
        imported(file, key="email", source="SHOP")


def test_a_file_that_breaks_off_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "people.csv.gz"
    write_people_csv(path, 3_000)
    whole = path.read_bytes()
    started = actions.start_import(path=path, key_column="id", source_name="Shop", by=None, wake_worker=False)
    path.write_bytes(whole[: len(whole) // 2])
    job = import_job.run_import(started.pk)
    assert job is not None
    assert job.status == JobStatus.FAILED
    assert "incomplete" in job.message
    assert job.finished_at is not None
    assert not profile_count()
    assert not ProfileAttribute.objects.exists()


def test_it_stops_when_asked(file: Path) -> None:
    file.write_text("id,name\n1,a\n")
    job = actions.start_import(path=file, key_column="id", source_name="Shop", by=None, wake_worker=False)
    ImportJob.objects.update(cancel_requested_at=clock.now())
    ended = import_job.run_import(job.pk)
    assert ended is not None
    assert ended.status == JobStatus.CANCELED
    assert not profile_count()


def test_it_stops_in_the_middle(file: Path) -> None:
    write_people_csv(file, 20_000)
    job = actions.start_import(path=file, key_column="id", source_name="Shop", by=None, wake_worker=False)

    def stop(job: ImportJob) -> None:
        if job.rows_read > 2_000:
            raise import_job.Canceled

    ended = import_job.run_import(job.pk, watch=stop)
    assert ended is not None
    assert ended.status == JobStatus.CANCELED
    assert not profile_count()


def test_it_waits_for_another_import_of_the_source(file: Path) -> None:
    file.write_text("id\n1\n")
    first = actions.start_import(path=file, key_column="id", source_name="Shop", by=None, wake_worker=False)
    second = actions.start_import(path=file, key_column="id", source_name="Shop", by=None, wake_worker=False)
    ImportJob.objects.filter(pk=first.pk).update(status=JobStatus.PROCESSING)
    assert import_job.run_import(second.pk) is None
    second.refresh_from_db()
    assert (second.status, second.lease_until) == (JobStatus.QUEUED, None)


def test_a_job_of_another_worker_is_left_to_it(file: Path) -> None:
    file.write_text("id\n1\n")
    job = actions.start_import(path=file, key_column="id", source_name="Shop", by=None, wake_worker=False)
    ImportJob.objects.update(lease_until=timezone.now() + timezone.timedelta(hours=1))  # type: ignore[attr-defined]
    assert import_job.run_import(job.pk) is None


def test_one_that_woke_too_late_changes_nothing(file: Path) -> None:
    write_people_csv(file, 2_000)
    job = actions.start_import(path=file, key_column="id", source_name="Shop", by=None, wake_worker=False)

    def fall_behind(job: ImportJob) -> None:
        job.attempt = 0  # as if another worker had claimed it

    assert import_job.run_import(job.pk, watch=fall_behind) is None
    assert not profile_count()
    assert ImportJob.objects.get().status == JobStatus.PROCESSING

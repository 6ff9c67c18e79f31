"""The list of data sources, the upload in two steps, and the page of an import."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from segments.models import DataSource, ImportJob, ImportProblem
from segments.sources import actions, import_job
from tests.support.profiles import get_profile, profile_count

UPLOAD = "/data/sources/upload/"


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Settings) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


def chosen(client: Client, content: bytes, name: str = "people.csv") -> Any:
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, content)})


def described(client: Client, response: Any, **changes: str) -> Any:
    data = {
        "token": response.context["token"],
        "file_name": "people.csv",
        "key_column": "id",
        "source_name": "Shop",
    }
    return client.post(UPLOAD, data | changes)


def test_it_imports_a_file_in_two_steps(
    bob_client: Client,
    bob: User,
    uploads_folder: Path,
    enqueued: list[tuple[object, ...]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    step = chosen(bob_client, b"id;name\n1;Aino\n2\n")
    content = step.content.decode()
    assert "Aino" in content
    assert step.context["form"].initial == {"source_name": "people", "key_column": "id"}
    with django_capture_on_commit_callbacks(execute=True):
        done = described(bob_client, step)
    job = ImportJob.objects.get()
    assert done.headers["Location"] == f"/data/imports/{job.pk}/"
    assert (job.requested_by, job.file_name, enqueued) == (
        bob,
        "people.csv",
        [("segments.tasks.import_file", job.pk)],
    )
    assert import_job.run_import(job.pk) is not None
    assert get_profile().key == "1"
    assert [path.name for path in uploads_folder.iterdir()] == ["rejected"]
    content = bob_client.get(f"/data/imports/{job.pk}/").content.decode()
    assert "Too few columns: 1 instead of 2." in content
    assert "Completed with warnings" in content


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("people.pdf", b"id\n", "Choose a .csv"),
        ("people.csv", b"", "empty"),
        ("people.csv", b"PK\x03\x04", "workbook"),
        ("people.csv.gz", b"\x1f\x8bid,name\n", "gzip file is damaged"),
    ],
)
def test_it_refuses_an_unusable_file_at_once(
    bob_client: Client, uploads_folder: Path, name: str, content: bytes, words: str
) -> None:
    response = chosen(bob_client, content, name)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not uploads_folder.exists() or list(uploads_folder.iterdir()) == []
    assert not ImportJob.objects.exists()


def test_it_keeps_what_was_typed_when_the_key_is_wrong(bob_client: Client, shop: DataSource) -> None:
    step = chosen(bob_client, b"email,name\na@example.com,Aino\n")
    response = described(bob_client, step, key_column="email", source_name="shop")
    assert response.status_code == 422
    content = response.content.decode()
    assert "uses the key column “id”" in content
    assert 'value="shop"' in content
    assert "Aino" in content
    done = described(bob_client, response, key_column="email", source_name="Another")
    assert done.status_code == 302


def test_it_says_when_the_file_is_gone(bob_client: Client) -> None:
    for token in ("0" * 32 + ".csv", "../../etc/passwd", ""):
        response = bob_client.post(UPLOAD, {"token": token, "key_column": "id", "source_name": "Shop"})
        assert response.status_code == 422
        assert "no longer available" in response.content.decode()


def test_only_the_uploader_can_continue_with_an_upload(bob_client: Client, alice_client: Client) -> None:
    response = chosen(bob_client, b"id,name\n1,Ann\n")
    refused = described(alice_client, response)
    assert refused.status_code == 422
    assert "no longer available" in refused.content.decode()
    assert described(bob_client, response).status_code == 302


def test_it_offers_the_key_of_the_source_that_is_refreshed(bob_client: Client, shop: DataSource) -> None:
    response = bob_client.post(
        f"{UPLOAD}?source={shop.pk}", {"file": SimpleUploadedFile("x.csv", b"email,id\na@example.com,1\n")}
    )
    assert response.context["form"].initial == {"source_name": "Shop", "key_column": "id", "mode": "upsert"}


def test_it_refuses_a_viewer(charlie_client: Client, shop: DataSource) -> None:
    job = ImportJob.objects.create(source=shop, file_name="x.csv", path="/nowhere/x.csv")
    assert charlie_client.get(UPLOAD).status_code == 403
    assert chosen(charlie_client, b"id\n1\n").status_code == 403
    assert charlie_client.post(f"/data/imports/{job.pk}/cancel/").status_code == 403
    assert charlie_client.get(f"/data/imports/{job.pk}/").status_code == 200
    content = charlie_client.get("/data/sources/").content.decode()
    assert "Shop" in content
    assert "Import file" not in content


def test_the_list_tells_how_the_last_import_went(bob_client: Client, shop: DataSource) -> None:
    ImportJob.objects.create(source=shop, file_name="a.csv", path="/a", status=JobStatus.QUEUED)
    job = ImportJob.objects.get()
    ImportJob.objects.filter(pk=job.pk).update(
        status=JobStatus.WARNINGS, rows_refused=7, finished_at=job.created_at
    )
    content = bob_client.get("/data/sources/").content.decode()
    assert f"/data/imports/{job.pk}/" in content
    assert "Completed with warnings" in content
    assert ">7</a>" in content


def test_the_list_asks_the_same_number_of_queries_for_many(
    bob_client: Client, shop: DataSource, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        source = DataSource.objects.create(name=f"Source {number}", key_column="id")
        ImportJob.objects.create(source=source, file_name="a.csv", path="/a")
    with django_assert_max_num_queries(6):
        assert bob_client.get("/data/sources/").content.decode().count("Source ") >= 30


def test_the_page_follows_an_import(bob_client: Client, shop: DataSource) -> None:
    job = ImportJob.objects.create(
        source=shop,
        file_name="a.csv",
        path="/a",
        status=JobStatus.PROCESSING,
        attempt=1,
        progress_total=200,
        progress_done=84,
        rows_read=4200,
    )
    content = bob_client.get(f"/data/imports/{job.pk}/").content.decode()
    assert "Reading rows: 4,200 so far" in content
    assert "42%" in content
    assert f'hx-get="/data/imports/{job.pk}/live/"' in content
    assert "Cancel import" in content
    ImportJob.objects.update(status=JobStatus.SUCCESSFUL, finished_at=job.created_at)
    content = bob_client.get(f"/data/imports/{job.pk}/live/").content.decode()
    assert "every 1s" not in content
    assert "<html" not in content


def test_it_shows_problems_by_their_lines(
    bob_client: Client, shop: DataSource, django_assert_max_num_queries: Any
) -> None:
    job = ImportJob.objects.create(source=shop, file_name="a.csv", path="/a")
    ImportJob.objects.update(status=JobStatus.WARNINGS, finished_at=job.created_at, rows_refused=250)
    ImportProblem.objects.bulk_create(
        ImportProblem(job=job, line=line, reason=f"Reason {line % 3}") for line in range(2, 202)
    )
    with django_assert_max_num_queries(7):
        content = bob_client.get(f"/data/imports/{job.pk}/").content.decode()
    assert "The first 200 of 250 are listed." in content
    assert "1–100 of 200" in content
    found = bob_client.get(f"/data/imports/{job.pk}/?q=Reason+2&sort=-line").context["list"]
    assert found.rows[0].line == 200


def test_it_cancels_an_unclaimed_job_at_once(bob_client: Client, shop: DataSource) -> None:
    job = ImportJob.objects.create(source=shop, file_name="a.csv", path="/a")
    assert "No rows are imported" in bob_client.get(f"/data/imports/{job.pk}/cancel/").content.decode()
    bob_client.post(f"/data/imports/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELED
    assert "No rows were imported" in bob_client.get(f"/data/imports/{job.pk}/").content.decode()


def test_it_asks_the_worker_to_stop(bob: User, shop: DataSource, tmp_path: Path) -> None:
    from config.platform.jobs import leases

    job = ImportJob.objects.create(source=shop, file_name="a.csv", path="/a")
    leases.claim(job)
    actions.cancel_import(job, by=bob)
    job.refresh_from_db()
    assert job.status == JobStatus.QUEUED
    assert job.cancel_requested_at is not None


def from_file(path: Path, content: str = "id,name\n1,Aino\n") -> DataSource:
    path.write_text(content, encoding="utf-8")
    job = actions.start_import(path=path, key_column="id", source_name="Shop", by=None, wake_worker=False)
    assert import_job.run_import(job.pk) is not None
    return DataSource.objects.get()


def refreshed(client: Client, source: DataSource) -> Any:
    return client.post("/data/sources/refresh/", {"selected": source.pk})


def test_a_file_is_read_again_from_where_it_lies(bob_client: Client, bob: User, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    source = from_file(path)
    assert (source.path, source.columns) == (str(path), ["id", "name"])
    path.write_text("id,name,city\n1,Aino,Turku\n2,Zofia,Kraków\n", encoding="utf-8")
    assert refreshed(bob_client, source).status_code == 302
    assert refreshed(bob_client, source).status_code == 302
    job = ImportJob.objects.latest("pk")
    assert (ImportJob.objects.count(), job.requested_by, job.path) == (2, bob, str(path))
    import_job.run_import(job.pk)
    source.refresh_from_db()
    assert (source.profile_count, source.columns) == (2, ["city", "id", "name"])


def test_a_file_that_is_gone_fails_the_refresh_and_changes_nothing(bob_client: Client, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    source = from_file(path)
    path.unlink()
    refreshed(bob_client, source)
    job = import_job.run_import(ImportJob.objects.latest("pk").pk)
    assert job is not None
    assert job.status == JobStatus.FAILED
    assert "cannot be read" in job.message
    assert profile_count() == 1


def test_an_upload_cannot_be_read_again_and_says_so(bob_client: Client) -> None:
    described(bob_client, chosen(bob_client, b"id\n1\n"))
    import_job.run_import(ImportJob.objects.get().pk)
    source = DataSource.objects.get()
    assert source.path == ""
    assert "Uploaded file: to refresh" in bob_client.get("/data/sources/").content.decode()
    answer = refreshed(bob_client, source)
    assert (answer.status_code, ImportJob.objects.count()) == (409, 1)
    assert "Import the file again" in answer.content.decode()


def test_an_upload_leaves_the_file_of_its_source_where_it_is(bob_client: Client, tmp_path: Path) -> None:
    source = from_file(tmp_path / "people.csv")
    described(bob_client, chosen(bob_client, b"id,name\n2,Zofia\n"))
    import_job.run_import(ImportJob.objects.latest("pk").pk)
    source.refresh_from_db()
    assert (source.path, source.profile_count) == (str(tmp_path / "people.csv"), 2)


def test_it_lets_no_viewer_refresh_or_see_where_files_lie(charlie_client: Client, tmp_path: Path) -> None:
    source = from_file(tmp_path / "people.csv")
    assert refreshed(charlie_client, source).status_code == 403
    assert str(tmp_path) not in charlie_client.get("/data/sources/").content.decode()

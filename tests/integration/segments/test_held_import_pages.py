"""The page of an import whose removals are held: who would leave, confirm, cancel."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from segments import actions as segment_actions
from segments import maintenance, refresh_job
from segments.models import DataSource, ImportJob
from segments.privacy import erase
from segments.privacy.subjects import Scope
from segments.sources import actions, import_job
from tests.integration.segments.test_import_step import UPLOAD, fields_of
from tests.support.profiles import get_profile, profile_count

pytestmark = pytest.mark.django_db


def people(count: int) -> bytes:
    return b"id,city\n" + b"".join(b"%d,Turku\n" % key for key in range(10, count + 10))


@pytest.fixture
def held(bob_client: Client, tmp_path: Path, settings: Settings) -> ImportJob:
    """Return an import of an uploaded file that would remove 30 of 40 customers."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    upload(bob_client, people(40))
    job = upload(bob_client, people(10), mode="snapshot")
    assert job.status == JobStatus.NEEDS_CONFIRMATION
    return job


def upload(client: Client, content: bytes, **changes: str) -> ImportJob:
    step = client.post(UPLOAD, {"file": SimpleUploadedFile("shop.csv", content)})
    values = fields_of(step) | {"source_name": "Shop"} | changes
    assert client.post(UPLOAD, values).status_code == 302
    return run(ImportJob.objects.latest("pk"))


def run(job: ImportJob) -> ImportJob:
    ended = import_job.run_import(job.pk)
    assert ended is not None
    ended.refresh_from_db()
    return ended


def page_of(client: Client, job: ImportJob) -> str:
    return client.get(f"/data/imports/{job.pk}/").content.decode()


def confirm(client: Client, job: ImportJob, count: int | str = 30) -> Any:
    return client.post(f"/data/imports/{job.pk}/confirm-removals/", {"count": count})


def test_the_page_says_who_would_leave(bob_client: Client, held: ImportJob) -> None:
    page = page_of(bob_client, held)
    for text in (
        "Needs confirmation",
        "30 of 40 customers are not in the file and would be removed",
        "<code>20</code>",
        "and 20 more",
    ):
        assert text in page
    for url in ("confirm-removals", "leaving", "cancel"):
        assert f"/data/imports/{held.pk}/{url}/" in page


def test_a_viewer_sees_no_keys_and_cannot_confirm(charlie_client: Client, held: ImportJob) -> None:
    page = page_of(charlie_client, held)
    assert "30 of 40 customers are not in the file and would be removed" in page
    assert "Contributors and administrators can confirm." in page
    assert "<code>20</code>" not in page
    assert confirm(charlie_client, held).status_code == 403
    assert charlie_client.get(f"/data/imports/{held.pk}/leaving/").status_code == 403


def test_all_keys_are_downloaded(bob_client: Client, held: ImportJob) -> None:
    response = bob_client.get(f"/data/imports/{held.pk}/leaving/")
    lines = response.getvalue().decode("utf-8-sig").split()
    assert lines == ["id", *(str(key) for key in range(20, 50))]
    assert AuditEntry.objects.get(action="downloaded").changes == {"customers to remove": [None, 30]}


def test_the_dialog_shows_the_number_and_the_segments(bob_client: Client, held: ImportJob) -> None:
    segment = segment_actions.create_segment(
        name="Turku",
        rules_tree={"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]},
        by=None,
        wake_worker=False,
    )
    refresh_job.run_refresh(segment.refreshes.get().pk)
    dialog = bob_client.get(f"/data/imports/{held.pk}/confirm-removals/").content.decode()
    for text in ("Remove 30 customers?", "Turku", "loses 30 members, 10 remain", 'name="count" value="30"'):
        assert text in dialog


def test_confirming_imports_the_file(
    bob_client: Client,
    held: ImportJob,
    enqueued: list[tuple[object, ...]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    assert Path(held.path).exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert confirm(bob_client, held).headers["Location"] == f"/data/imports/{held.pk}/"
    assert enqueued == [("segments.tasks.import_file", held.pk)]
    assert confirm(bob_client, held).status_code == 302  # a second click
    assert run(held).profiles_removed == 30
    assert profile_count() == 10
    assert not Path(held.path).exists()
    page = page_of(bob_client, held)
    assert "Removed" in page
    assert "would leave" not in page
    assert AuditEntry.objects.filter(action="removals confirmed").count() == 1
    assert confirm(bob_client, held).status_code == 302
    assert ImportJob.objects.get(pk=held.pk).status == JobStatus.SUCCESSFUL


@pytest.mark.parametrize("count", [29, "", "many", "9" * 13])
def test_another_number_than_the_present_one_is_refused(
    bob_client: Client, held: ImportJob, count: int | str
) -> None:
    response = confirm(bob_client, held, count)
    assert response.status_code == 409
    assert "Check the number again." in response.content.decode()
    held.refresh_from_db()
    assert held.status == JobStatus.NEEDS_CONFIRMATION


def test_canceling_changes_nothing(bob_client: Client, held: ImportJob) -> None:
    assert bob_client.post(f"/data/imports/{held.pk}/cancel/").status_code == 302
    held.refresh_from_db()
    assert held.status == JobStatus.CANCELED
    assert "No rows were imported" in page_of(bob_client, held)
    response = confirm(bob_client, held)
    assert (response.status_code, "anymore" in response.content.decode()) == (409, True)
    assert profile_count() == 40


def test_an_import_that_is_not_held_has_nothing_to_confirm(bob_client: Client, held: ImportJob) -> None:
    first = ImportJob.objects.earliest("pk")
    assert bob_client.get(f"/data/imports/{first.pk}/confirm-removals/").status_code == 409
    assert bob_client.get(f"/data/imports/{first.pk}/leaving/").status_code == 404


def test_a_list_that_is_gone_leaves_the_number(bob_client: Client, held: ImportJob, tmp_path: Path) -> None:
    (tmp_path / "uploads" / "leaving" / f"{held.pk}.parquet").unlink()
    assert "30 of 40 customers are not in the file and would be removed" in page_of(bob_client, held)
    assert bob_client.get(f"/data/imports/{held.pk}/confirm-removals/").status_code == 200
    assert confirm(bob_client, held).status_code == 302


def test_a_held_import_does_not_keep_its_data_source(bob_client: Client, held: ImportJob) -> None:
    assert bob_client.post(f"/data/sources/{held.source_id}/remove/").status_code == 302
    assert not DataSource.objects.exists()
    actions.delete_abandoned_uploads()
    assert not ImportJob.objects.exists()


def test_an_erasure_deletes_the_file_of_a_held_import(bob_client: Client, held: ImportJob, alice: User) -> None:
    erase.erase(get_profile("12"), scope=Scope.PROFILE, by=alice)
    maintenance.purge_erased()
    assert not Path(held.path).exists()
    held.refresh_from_db()
    assert held.status == JobStatus.CANCELED
    assert "A customer was erased" in page_of(bob_client, held)


# -- before the import -----------------------------------------------------------------------------------------


def counted(client: Client, content: bytes, **changes: str) -> Any:
    """Upload a file, choose the mode, and ask who would leave."""
    step = client.post(UPLOAD, {"file": SimpleUploadedFile("shop.csv", content)})
    values = fields_of(step) | {"source_name": "Shop", "mode": "snapshot", "act": "leaving"} | changes
    return client.post(UPLOAD, values)


@pytest.fixture
def shop(bob_client: Client, tmp_path: Path, settings: Settings) -> DataSource:
    """Return a data source with 40 customers."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return upload(bob_client, people(40)).source


def test_the_pane_offers_the_modes(bob_client: Client, shop: DataSource) -> None:
    step = bob_client.post(UPLOAD, {"file": SimpleUploadedFile("other.csv", people(3))})
    page = step.content.decode()
    assert "They stay. Nothing is removed." in page
    assert "They are removed. If there are many, you are asked to confirm first." in page
    assert 'value="upsert" checked' in page


def test_the_pane_shows_the_mode_that_the_data_source_has(bob_client: Client, held: ImportJob) -> None:
    step = bob_client.post(f"{UPLOAD}?source={held.source_id}", {"file": SimpleUploadedFile("a.csv", people(3))})
    assert 'value="snapshot" checked' in step.content.decode()
    step = bob_client.post(UPLOAD, {"file": SimpleUploadedFile("shop.csv", people(3))})
    assert 'value="snapshot" checked' in step.content.decode()  # the name that is proposed is a known one


def test_the_pane_says_who_would_leave(bob_client: Client, shop: DataSource) -> None:
    response = counted(bob_client, people(38))
    page = response.content.decode()
    assert "2 of 40 customers are not in the file and would be removed." in page
    assert "<code>48</code> <code>49</code>" in page
    assert "asked to confirm" not in page
    many = counted(bob_client, people(10)).content.decode()
    assert "30 of 40 customers are not in the file and would be removed" in many
    assert "You are asked to confirm before anything is imported." in many
    assert "and 20 more" in many
    assert (ImportJob.objects.count(), profile_count()) == (1, 40)


def test_the_pane_compares_the_whole_file(bob_client: Client, shop: DataSource) -> None:
    content = people(38).replace(b"12,Turku", b"12,Turku,x").replace(b",", b";")  # a row that cannot be read
    page = counted(bob_client, content).content.decode()
    assert "2 of 40 customers are not in the file and would be removed" in page


def test_all_keys_are_downloaded_before_the_import(
    bob_client: Client, shop: DataSource, alice_client: Client
) -> None:
    url = counted(bob_client, people(10)).context["keys_url"]
    lines = bob_client.get(url).getvalue().decode("utf-8-sig").split()
    assert lines == ["id", *(str(key) for key in range(20, 50))]
    assert AuditEntry.objects.filter(action="downloaded").count() == 1
    assert alice_client.get(url).status_code == 404  # of another user


@pytest.mark.parametrize(
    ("content", "changes", "words"),
    [
        (people(10), {"mode": "upsert"}, ""),
        (people(10), {"source_name": "Another"}, "No customers would be removed."),
        (people(41), {}, "No customers would be removed."),
        (b"id,city\n,Turku\n", {}, "No row of the file has a key."),
        (people(10), {"key_column": "other"}, "There is no column “other”."),
    ],
)
def test_the_pane_says_when_no_customer_would_leave(
    bob_client: Client, shop: DataSource, content: bytes, changes: dict[str, str], words: str
) -> None:
    response = counted(bob_client, content, **changes)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert "customers are not in the file" not in response.content.decode()


def test_the_preview_of_the_pane_counts_too(bob_client: Client, shop: DataSource) -> None:
    response = counted(bob_client, people(10), act="preview")
    assert "30 of 40 customers are not in the file and would be removed" in response.content.decode()
    assert 'value="snapshot" checked' in response.content.decode()

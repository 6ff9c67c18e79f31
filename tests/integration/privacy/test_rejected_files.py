"""Rejected rows can be downloaded, fixed and imported again; the files hold no erased person."""

import os
import stat
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from segments.models import DataSource, ErasedHash, Erasure, ImportJob
from segments.privacy import rejected_files, subjects
from segments.privacy.erase import erase
from segments.privacy.subjects import Scope
from segments.sources import actions, import_job
from tests.support.profiles import get_profile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Settings) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


def imported(path: Path, content: str) -> ImportJob:
    path.write_text(content, encoding="utf-8")
    job = actions.start_import(path=path, key_column="id", source_name="Shop", by=None, wake_worker=False)
    ended = import_job.run_import(job.pk)
    assert ended is not None
    return ended


@pytest.fixture
def job(tmp_path: Path) -> ImportJob:
    return imported(tmp_path / "a.csv", "id,email\n1,zofia@example.com\n2\n,no key\n")


def downloaded(client: Client, job: ImportJob) -> str:
    answer = client.get(reverse("segments:rejected_rows", args=[job.pk]))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def test_they_are_fixed_and_imported_again(job: ImportJob, bob_client: Client, tmp_path: Path) -> None:
    page = bob_client.get(reverse("segments:import", args=[job.pk])).content.decode()
    assert "Download rejected rows" in page
    text = downloaded(bob_client, job)
    assert text == "id,email\n2\n,no key\n"
    again = imported(tmp_path / "b.csv", text.replace("2\n", "2,b@example.com\n").replace(",no key", "3,"))
    assert (again.rows_created, again.rows_refused) == (2, 0)
    assert rejected_files.find(again) is None
    record = AuditEntry.objects.filter(action="downloaded").get()
    assert record.changes == {"rejected_rows": [None, 2]}


def test_the_file_is_private(job: ImportJob, charlie_client: Client) -> None:
    path = rejected_files.find(job)
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert charlie_client.get(reverse("segments:rejected_rows", args=[job.pk])).status_code == 403
    page = charlie_client.get(reverse("segments:import", args=[job.pk])).content.decode()
    assert "Download rejected rows" not in page


def test_an_import_without_a_valid_row_has_one_too(tmp_path: Path, bob_client: Client) -> None:
    job = imported(tmp_path / "a.csv", "id,email\n1\n2\n")
    assert downloaded(bob_client, job) == "id,email\n1\n2\n"


def test_it_is_deleted_with_uploads_of_its_age(job: ImportJob, bob_client: Client) -> None:
    path = rejected_files.find(job)
    assert path is not None
    actions.delete_abandoned_uploads()
    assert path.exists()
    os.utime(path, (0, 0))
    actions.delete_abandoned_uploads()
    assert bob_client.get(reverse("segments:rejected_rows", args=[job.pk])).status_code == 404


def test_it_is_deleted_with_the_data_source(job: ImportJob, alice: User) -> None:
    actions.remove_data_source(DataSource.objects.get(), by=alice)
    assert rejected_files.find(job) is None


def test_it_is_deleted_when_a_person_is_erased(job: ImportJob, alice: User) -> None:
    erase(get_profile("1"), scope=Scope.ADDRESS, by=alice)
    assert rejected_files.find(job) is None


def test_it_has_no_line_of_a_person_who_was_erased(tmp_path: Path, alice: User, bob_client: Client) -> None:
    erasure = Erasure.objects.create(short_id="abc", erased_by=alice, erased_by_name="Alice")
    ErasedHash.objects.create(hash=subjects.hash_of_email("zofia@example.com"), erasure=erasure)
    job = imported(
        tmp_path / "a.csv",
        "id,email\n1,jan@example.com\n2,Zofia@Example.com\n,zofia@example.com\n"
        '3,"ZOFIA@example.com",x\n4,other@example.com,x\n',
    )
    assert (job.rows_created, job.rows_refused) == (1, 4)
    assert downloaded(bob_client, job) == "id,email\n4,other@example.com,x\n"

"""Data sources that are refreshed over the API, and the imports that follow."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from config.platform.accounts.models import User
from config.platform.accounts.scopes import Scope
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from segments.models import DataSource, ImportJob
from segments.sources import import_job
from tests.support.api import client_of
from tests.support.profiles import profile_count

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the data source “Shop”, which was imported."""
    file = tmp_path / "customers.csv"
    file.write_text("id,email\n1,ann@example.com\n", encoding="utf-8")
    call_command("import_profiles", str(file), source="Shop", key=["id"])
    return file


def refresh() -> str:
    return f"sources/{DataSource.objects.get().pk}/refresh"


def test_a_data_source_is_imported_again_and_followed(bob: User, file: Path, enqueued: list[Any]) -> None:
    file.write_text("id,email\n1,ann@example.com\n2,ben@example.com\n", encoding="utf-8")
    client = client_of(bob, scopes=[Scope.SOURCES])
    asked = client.post(refresh())
    assert (asked.status_code, asked.json()["status"], asked.json()["exit_code"]) == (202, "queued", None)
    assert client.post(refresh()).json()["id"] == asked.json()["id"]
    assert enqueued[-1] == ("segments.tasks.import_file", asked.json()["id"])
    import_job.run_import(asked.json()["id"])
    shown = client.get(f"imports/{asked.json()['id']}", {"wait": 8}).json()
    assert (shown["status"], shown["rows_created"], shown["exit_code"]) == ("successful", 1, 0)
    assert profile_count() == 2


def test_an_import_that_may_have_read_older_rows_is_not_the_one_that_follows(
    bob: User, file: Path, enqueued: list[Any]
) -> None:
    client = client_of(bob, scopes=[Scope.SOURCES])
    first = client.post(refresh()).json()["id"]
    ImportJob.objects.filter(pk=first).update(status=JobStatus.PROCESSING)
    file.write_text("id,email\n1,ann@example.com\n2,ben@example.com\n", encoding="utf-8")
    second = client.post(refresh()).json()
    assert (second["id"] > first, second["status"]) == (True, "queued")
    assert client.post(refresh()).json()["id"] == second["id"]
    assert import_job.run_import(second["id"]) is None  # it waits for the first
    ImportJob.objects.filter(pk=first).update(status=JobStatus.CANCELED, finished_at=clock.now())
    import_job.run_import(second["id"])
    assert profile_count() == 2
    canceled = ImportJob.objects.create(
        source=DataSource.objects.get(), path=str(file), cancel_requested_at=clock.now()
    )
    assert client.post(refresh()).json()["id"] > canceled.pk


@pytest.mark.parametrize(
    ("status", "values", "code"),
    [
        (JobStatus.SUCCESSFUL, {}, 0),
        (JobStatus.WARNINGS, {"rows_read": 100, "rows_refused": 1}, 0),
        (JobStatus.WARNINGS, {"rows_read": 100, "rows_refused": 100}, 1),
        (JobStatus.FAILED, {}, 1),
        (JobStatus.CANCELED, {}, 1),
        (JobStatus.NEEDS_CONFIRMATION, {}, 3),
    ],
)
def test_the_exit_code_is_that_of_the_command(
    bob: User, file: Path, status: JobStatus, values: dict[str, int], code: int
) -> None:
    source = DataSource.objects.get()
    job = ImportJob.objects.create(source=source, status=status, finished_at=clock.now(), **values)
    assert client_of(bob).get(f"imports/{job.pk}").json()["exit_code"] == code


def test_an_uploaded_file_cannot_be_imported_again(bob: User, file: Path) -> None:
    DataSource.objects.update(path="")
    answer = client_of(bob).post(refresh())
    assert (answer.status_code, answer.json()["code"]) == (409, "no_file")


def test_only_those_who_manage_data_sources_refresh_them(bob: User, charlie: User, file: Path) -> None:
    assert client_of(charlie).post(refresh()).status_code == 403
    assert client_of(bob, scopes=[Scope.EXPORTS, Scope.SEGMENTS]).post(refresh()).status_code == 403
    assert ImportJob.objects.count() == 1
    assert client_of(bob).post("sources/999/refresh").status_code == 404

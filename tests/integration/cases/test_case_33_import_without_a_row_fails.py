"""Case 33: a file of which every row is rejected, or that has none; and one of which most rows are."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from segments.models import DataSource, ImportJob, ProfileAttribute

pytestmark = pytest.mark.django_db


def import_text(tmp_path: Path, text: str) -> str:
    """Import a file of this text with the command; the sentence it fails with, or nothing."""
    path = tmp_path / "shop.csv"
    path.write_text(text)
    try:
        call_command("import_profiles", str(path), "--key", "id")
    except CommandError as error:
        return f"{error.returncode}: {error}"
    return ""


def test_an_import_that_keeps_no_row_fails(tmp_path: Path) -> None:
    assert import_text(tmp_path, "id,name\n1\n2\n") == "1: All 2 rows were rejected. Nothing was changed."
    job = ImportJob.objects.get()
    assert (job.status, job.rows_read, job.rows_refused) == ("failed", 2, 2)
    assert job.problems.count() == 2
    assert not ProfileAttribute.objects.exists()
    assert DataSource.objects.get().refreshed_at is None


def test_an_import_of_a_header_alone_fails(tmp_path: Path) -> None:
    assert "no rows below the header" in import_text(tmp_path, "id,name\n")
    assert ImportJob.objects.get().status == "failed"


def test_the_page_of_the_import_says_so_and_lists_the_rows(tmp_path: Path, alice_client: Client) -> None:
    import_text(tmp_path, "id,name\n1\n2\n")
    page = alice_client.get(reverse("segments:import", args=[ImportJob.objects.get().pk])).content.decode()
    assert "All 2 rows were rejected." in page
    assert "Too few columns" in page


def test_an_import_fails_when_too_many_rows_are_rejected(tmp_path: Path) -> None:
    assert "1: 2 of 3 rows were rejected, more than the limit of 50 percent." in import_text(
        tmp_path, "id,name\n1\n2\n4,Jan\n"
    )
    assert ImportJob.objects.get().rows_created == 1
    assert import_text(tmp_path, "id,name\n1\n3,Jan\n") == ""

"""A held import in a system refresh, on Home, in Status and in the progress of its job."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from config.console.system_refresh import actions
from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from segments.models import DataSource, ImportJob
from segments.sources import held_imports
from tests.support import system_refresh

pytestmark = pytest.mark.django_db
SENTENCE = "30 of 40 customers are not in the file and would be removed."


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    """Return the file of a data source in snapshot mode that lost 30 of its 40 customers since it was imported."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    path = tmp_path / "shop.csv"
    system_refresh.source_of(path, "id\n" + "".join(f"{key}\n" for key in range(40)))
    DataSource.objects.update(mode="snapshot")
    system_refresh.segment("Everyone", attribute="id", operator="has_value")
    path.write_text("id\n" + "".join(f"{key}\n" for key in range(10)))
    return path


def test_a_system_refresh_skips_what_depends_on_a_held_import(file: Path, alice: User) -> None:
    done = system_refresh.do(actions.refresh_all(by=alice, wake_worker=False))
    assert system_refresh.ends(done) == {"Shop": "needs_confirmation", "Everyone": "skipped"}
    assert system_refresh.step(done, "Everyone").message == "The data source “Shop”: Needs confirmation."

    again = system_refresh.do(actions.refresh_all(by=alice, wake_worker=False))
    assert system_refresh.ends(again) == {"Shop": "needs_confirmation", "Everyone": "skipped"}
    statuses = ImportJob.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["successful", "canceled", "needs_confirmation"]

    job = ImportJob.objects.latest("pk")
    held_imports.confirm_removals(job, count=30, by=alice, wake_worker=False)
    last = system_refresh.do(actions.refresh_all(by=alice, wake_worker=False))  # with the confirmed import
    assert system_refresh.ends(last) == {"Shop": "successful", "Everyone": "successful"}
    job.refresh_from_db()
    assert (job.status, job.profiles_removed) == (JobStatus.SUCCESSFUL, 30)
    assert DataSource.objects.get().profile_count == 10


def test_the_pages_say_what_is_held(file: Path, alice: User, bob_client: Client) -> None:
    system_refresh.do(actions.refresh_all(by=alice, wake_worker=False))
    job = ImportJob.objects.latest("pk")
    for address in ("/", f"/admin/system/progress/data_source/{job.pk}/"):
        page = bob_client.get(address, follow=True).content.decode()
        assert SENTENCE in page, address
        assert "Needs confirmation" in page
    assert f"/data/imports/{job.pk}/" in bob_client.get("/").content.decode()
    assert "Needs confirmation" in bob_client.get("/admin/system/").content.decode()
    held_imports.confirm_removals(job, count=30, by=alice, wake_worker=False)
    system_refresh.do_jobs()
    assert SENTENCE not in bob_client.get("/").content.decode()
    done = bob_client.get(f"/admin/system/progress/data_source/{job.pk}/", follow=True).content.decode()
    assert "10 unchanged, 30 removed, 0 rejected" in done

"""An import in snapshot mode: who would leave is shown, held, confirmed and removed."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from segments.models import ImportJob
from segments.sources import import_job
from tests.functional.conftest import assert_accessible, screenshot, sign_in
from tests.support.profiles import create_profiles, profile_count

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_contributor_confirms_who_leaves(page: Page, bob: User, tmp_path: Path, settings: Settings) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    create_profiles(({"id": f"C{number:03}"} for number in range(40)), source="Shop")
    path = tmp_path / "shop.csv"
    path.write_text("id\n" + "".join(f"C{number:03}\n" for number in range(10)))
    sign_in(page, bob, "/data/sources/")
    page.get_by_role("link", name="Import file").first.click()
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("radio", name="Snapshot").check()
    expect(page.get_by_text("30 of 40 customers are not in the file and would be removed.")).to_be_visible()
    expect(page.get_by_text("C010")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "import-snapshot")
    page.get_by_role("radio", name="Add and update").check()
    expect(page.get_by_text("would be removed")).to_have_count(0)
    page.get_by_role("radio", name="Snapshot").check()
    expect(page.get_by_text("would be removed")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    job = ImportJob.objects.get()
    import_job.run_import(job.pk)
    expect(page.get_by_role("heading", name="Customers to remove")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "import-held")
    page.get_by_role("link", name="Confirm removals").click()
    expect(page.get_by_role("heading", name="Remove 30 customers?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Confirm removals").click()
    expect(page.get_by_text("The removals are confirmed.")).to_be_visible()
    import_job.run_import(job.pk)
    expect(page.get_by_text("Successful")).to_be_visible()
    assert profile_count() == 10

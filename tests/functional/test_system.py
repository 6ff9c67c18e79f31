"""Admin > System, walked sentence by sentence: schedule, status of everything, progress details, Refresh all."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from config.console.models import SystemRefresh, SystemSchedule
from config.console.system_refresh import engine
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.models import Export, Run
from segments.models import DataSource, ImportJob
from tests.functional.conftest import PHONE, OpenPage, assert_accessible, screenshot, sign_in
from tests.support import exports, system_refresh
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(tmp_path: Path) -> DataSource:
    return system_refresh.source_of(tmp_path / "shop.csv", "id,email,city\n1,ann@example.com,Turku\n")


@pytest.fixture
def newsletter(settings: Settings, sandbox: RunningSandbox, shop: DataSource, alice: User) -> Export:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    turku = system_refresh.segment("Turku", attribute="city", operator="is", value="Turku")
    return exports.export_to(sandbox, exports.sandbox_connection(by=alice), turku)


def group(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def status_of(page: Page, name: str) -> Locator:
    """The status beside a name, which opens its progress details."""
    return page.get_by_role("link", name=f"{name}: ").first


def pane(page: Page) -> Locator:
    return page.get_by_role("dialog")


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(pane(page)).to_have_count(0)


def test_the_schedule_is_off_until_an_administrator_sets_it(page: Page, alice: User) -> None:
    sign_in(page, alice, "/admin/system/")
    expect(page.get_by_role("link", name="Set up schedule")).to_be_visible()
    page.get_by_role("link", name="Schedule", exact=True).click()
    switch = page.get_by_label("Refresh on a schedule")
    expect(switch).not_to_be_checked()
    expect(page.get_by_text("Nothing is refreshed automatically")).to_be_visible()
    assert_accessible(page)

    page.keyboard.press("Tab")
    switch.focus()
    page.keyboard.press("Space")
    expect(switch).to_be_checked()
    expect(page.get_by_label("Monday")).not_to_be_visible()
    page.get_by_label("Weekly").check()
    page.get_by_label("Monday").check()
    page.get_by_label("Thursday").check()
    page.locator("#id_time_1").fill("06:30")
    for number, time in enumerate(("12:00", "18:00", "23:45"), start=2):
        page.get_by_role("button", name="Add time").click()
        page.locator(f"#id_time_{number}").fill(time)
    expect(page.get_by_text("Up to four times a day.")).to_be_visible()
    page.get_by_label("Time zone").select_option("Asia/Jakarta")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The system refresh is on.")).to_be_visible()
    words = "Weekly on Monday and Thursday at 06:30, 12:00, 18:00 and 23:45 (Asia/Jakarta)"
    expect(page.get_by_text(words)).to_be_visible()
    assert SystemSchedule.objects.get().is_on
    assert_accessible(page)
    screenshot(page, "system-schedule")

    page.get_by_role("link", name="Status", exact=True).click()
    expect(page.get_by_text("Next:")).to_be_visible()


def test_everything_is_refreshed_in_its_order_and_can_be_followed(
    page: Page, newsletter: Export, alice: User
) -> None:
    sign_in(page, alice, "/admin/system/")
    for name in ("Data sources", "Segments", "Exports"):
        expect(group(page, name)).to_be_visible()
    expect(group(page, "Segments").get_by_text("Not started")).to_have_count(2)  # the tally, and the segment's own

    page.get_by_role("link", name="Refresh all").click()
    expect(page.get_by_text("1 data source")).to_be_visible()
    page.get_by_role("button", name="Refresh all").click()
    expect(page.get_by_text("The system refresh has started.")).to_be_visible()
    refresh = SystemRefresh.objects.get()
    engine.advance(refresh.pk)
    status_of(page, "System refresh").click()
    steps = pane(page).locator(".tree__name")
    expect(steps).to_have_text(["Data sources", "Shop", "Segments", "Turku", "Exports", "Newsletter"])
    expect(pane(page).get_by_role("link", name="Cancel job")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "system-progress")

    system_refresh.do(refresh)
    expect(pane(page).get_by_text("Queued")).to_have_count(0)
    expect(pane(page).get_by_role("link", name="Cancel job")).to_have_count(0)
    expect(pane(page).locator("[data-live]")).to_have_count(0)  # it asks no more
    expect(pane(page).get_by_text("Members: 1. Delivered: 1.")).to_be_visible()
    close(page)
    expect(status_of(page, "Newsletter")).to_have_accessible_name("Newsletter: Successful, progress details")

    page.get_by_role("link", name="Newsletter", exact=True).click()
    expect(pane(page).get_by_text("System refresh")).to_be_visible()  # what started its last run
    pane(page).get_by_role("link", name="Successful").click()
    expect(pane(page).get_by_text("Plan", exact=True)).to_be_visible()
    pane(page).get_by_role("switch", name="Show entire workflow").click()
    expect(pane(page).locator(".tree__item--current > .tree__row")).to_contain_text("Newsletter")
    expect(pane(page).get_by_text("Turku")).to_be_visible()
    assert_accessible(page)


def test_what_fails_upstream_skips_what_depends_on_it_and_says_why(
    page: Page, newsletter: Export, alice: User, tmp_path: Path
) -> None:
    system_refresh.source_of(tmp_path / "club.csv", "id,points\n1,5\n", name="Club")
    system_refresh.segment("Rich", attribute="points", operator=">", value=1)
    (tmp_path / "shop.csv").unlink()
    system_refresh.do(SystemRefresh.objects.create(trigger="manual", requested_by=alice))
    sign_in(page, alice, "/admin/system/")
    expect(status_of(page, "Shop")).to_have_text("Failed (permanent)")
    expect(status_of(page, "Turku")).to_have_text("Skipped")
    expect(status_of(page, "Newsletter")).to_have_text("Skipped")
    expect(status_of(page, "Club")).to_have_text("Successful")
    expect(status_of(page, "Rich")).to_have_text("Successful")
    status_of(page, "System refresh").click()
    expect(pane(page).get_by_text("The data source “Shop”: Failed (permanent).").first).to_be_visible()
    pane(page).get_by_role("link", name="See why").first.click()
    expect(pane(page).get_by_text("The file cannot be read").first).to_be_visible()
    assert_accessible(page)
    screenshot(page, "system-skipped")


def test_a_job_is_canceled_from_its_progress_details(page: Page, shop: DataSource, bob: User) -> None:
    job = ImportJob.objects.create(source=shop, file_name="shop.csv", path=shop.path)
    sign_in(page, bob, "/admin/system/")
    expect(page.get_by_role("link", name="Refresh all")).to_have_count(0)  # that is for administrators
    status_of(page, "Shop").click()
    pane(page).get_by_role("link", name="Cancel job").click()
    page.get_by_role("button", name="Cancel job").click()
    expect(page.get_by_text("“Shop” is being canceled.")).to_be_visible()
    expect(pane(page).get_by_text("Canceled").first).to_be_visible()
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELED
    close(page)
    expect(status_of(page, "Shop")).to_be_focused()


def test_every_status_has_its_word_and_its_meaning(page: Page, charlie: User) -> None:
    for status in JobStatus:
        export = Export.objects.create(name=f"Shown {status}", list_id="a" * 32, email_attribute="email")
        ended = None if status in ("queued", "processing") else clock.now()
        Run.objects.create(export=export, number=1, trigger="manual", status=status, finished_at=ended)
    Export.objects.create(name="Shown still", list_id="a" * 32, email_attribute="email")
    sign_in(page, charlie, "/admin/system/tasks/export/")
    for status in JobStatus:
        expect(status_of(page, f"Shown {status}")).to_have_text(str(status.label))
    expect(page.locator("tr", has_text="Shown still")).to_contain_text("Not started")
    page.get_by_role("searchbox").fill("still")
    expect(page.get_by_text("Shown queued")).to_have_count(0)
    page.goto("/help/statuses/")
    for status in JobStatus:
        expect(page.locator(".pill__text", has_text=str(status.label)).first).to_be_visible()


def test_it_fits_on_a_phone_and_in_the_dark(open_page: OpenPage, shop: DataSource, alice: User) -> None:
    Connection.objects.create(name="Account", destination_key="campaign_monitor")
    page = open_page(viewport=PHONE, color_scheme="dark", has_touch=True, is_mobile=True)
    sign_in(page, alice, "/admin/system/")
    for address in ("/admin/system/", "/admin/system/schedule/", "/admin/system/api-usage/"):
        page.goto(address)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    page.goto("/admin/system/")
    status_of(page, "Shop").click()
    expect(pane(page).get_by_text("Read file")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "system-phone")

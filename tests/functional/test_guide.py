"""The guide on Home: from an empty installation to the first successful run, by the buttons of the guide alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from exports.models import Run
from tests.conftest import PASSWORD
from tests.functional.conftest import OpenPage, assert_accessible, screenshot, sign_in
from tests.functional.every_state import account
from tests.support.people_csv import write_people_csv
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process
from tests.support.workers import worker_processes

__all__ = ["account", "sandbox", "sandbox_process"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COUNT = 60


@pytest.fixture
def workers(account: RunningSandbox, tmp_path: Path, settings: Settings) -> Iterator[None]:
    with worker_processes(tmp_path):
        yield


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    write_people_csv(path, COUNT)
    return path


def guide(page: Page) -> Locator:
    return page.locator(".guide")


def follow(page: Page, step: int, button: str) -> None:
    """Check that the guide is at ``step``, and choose the button of that step: all others lead elsewhere."""
    current = guide(page).locator("[aria-current=step]")
    expect(current).to_have_count(1)
    expect(guide(page).locator("li").nth(step)).to_have_attribute("aria-current", "step")
    current.get_by_role("button", name=button).or_(current.get_by_role("link", name=button)).click()


def is_done(page: Page, step: int) -> None:
    expect(guide(page).locator("li").nth(step)).to_contain_text("(done)", timeout=60_000)


def set_up_connection(page: Page, account: RunningSandbox) -> None:
    follow(page, 0, "Add connection")
    page.get_by_role("link", name="Campaign Monitor Sandbox").click()
    pane = page.get_by_role("dialog", name="Set up Campaign Monitor connection")
    pane.get_by_label("Display name").fill("Shop")
    pane.get_by_label("I agree").check()
    pane.get_by_role("button", name="Connect", exact=True).click()
    pane.get_by_label("API key").fill(account.api_key)
    pane.get_by_role("button", name="Authenticate with Campaign Monitor").click()
    pane.get_by_label("Your password").fill(PASSWORD)
    pane.get_by_role("button", name="Add yourself as export user").click()
    expect(pane.get_by_text("Alice Adams is the export user")).to_be_visible()
    pane.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The connection “Shop” is saved.")).to_be_visible()
    is_done(page, 0)


def import_customers(page: Page, customers: Path) -> None:
    follow(page, 1, "Import file")
    pane = page.get_by_role("dialog")
    pane.locator("input[type=file]").set_input_files(customers)
    pane.get_by_role("button", name="Next").click()
    pane.get_by_role("button", name="Import", exact=True).last.click()
    is_done(page, 1)


def define_segment(page: Page) -> None:
    follow(page, 2, "New segment")
    page.get_by_role("dialog").get_by_label("Name").fill("Newsletter readers")
    page.locator("#attribute-0").select_option("newsletter")
    expect(page.locator("#operator-0")).to_have_value("is_yes")
    expect(page.locator(".htmx-added, .htmx-settling, .htmx-swapping")).to_have_count(0)
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).last.click()
    is_done(page, 2)


def add_destination(page: Page) -> None:
    follow(page, 3, "Add destination")
    pane = page.get_by_role("dialog", name="Set up export")
    pane.get_by_label("Display name").fill("Readers to the newsletter")
    pane.get_by_label("Destination list").select_option(label="Newsletter")
    expect(pane.locator("#list-details")).to_contain_text("Active subscribers")
    pane.get_by_role("checkbox", name="Newsletter readers").check()
    pane.get_by_role("radio", name="Unchanged").check()
    pane.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved. Not run yet.")).to_be_visible()
    is_done(page, 3)


@pytest.mark.processes
def test_an_empty_installation_is_led_to_its_first_run(
    page: Page, alice: User, account: RunningSandbox, workers: None, customers: Path
) -> None:
    sign_in(page, alice)
    expect(guide(page)).to_contain_text("0 of 5 done")
    assert_accessible(page)
    screenshot(page, "guide-begun")
    set_up_connection(page, account)
    import_customers(page, customers)
    define_segment(page)
    screenshot(page, "guide-half")
    add_destination(page)
    follow(page, 4, "Run")
    page.wait_for_url("**/data/runs/*/")
    expect(page.locator(".run-title .pill")).to_have_text("Successful", timeout=60_000)
    assert Run.objects.get().delivered > COUNT / 4
    assert account.counts()["Active"] == Run.objects.get().delivered

    page.goto("/")
    expect(page.get_by_role("heading", name="Everything is set up")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "guide-complete")
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    expect(guide(page)).to_have_count(0)


def test_a_sign_in_at_the_vendor_returns_to_the_guide(
    page: Page, alice: User, account: RunningSandbox, settings: Settings
) -> None:
    settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_ID = "100001"
    settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET = "sandbox-secret"
    sign_in(page, alice)
    follow(page, 0, "Add connection")
    page.get_by_role("link", name="Campaign Monitor Sandbox").click()
    page.get_by_label("Display name").fill("Shop")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("button", name="Authenticate with Campaign Monitor").click()
    page.get_by_label("Email").fill("owner@example.com")
    page.get_by_label("Password").fill("sandbox")
    page.get_by_role("button", name="Allow access").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Add yourself as export user").click()
    expect(page.get_by_text("Alice Adams is the export user")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    is_done(page, 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_guide_fits_a_phone(open_page: OpenPage, alice: User, account: RunningSandbox, scheme: str) -> None:
    phone = open_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    sign_in(phone, alice)
    guide(phone).get_by_role("button", name="Add connection").click()
    expect(phone.get_by_role("link", name="Campaign Monitor Sandbox")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    assert_accessible(phone)
    screenshot(phone, f"guide-phone-{scheme}")

"""Connections in a browser: from Add connection to the green ticks and Save."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from connections import credentials
from connections.models import Connection
from tests.conftest import PASSWORD
from tests.functional.conftest import PHONE, OpenPage, assert_accessible, screenshot, sign_in
from tests.support.connections import make_connection
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

LIST = "/admin/connections/"
ADD = f"{LIST}add/campaign_monitor/"
pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _places(sandbox: RunningSandbox, settings: Settings) -> None:
    """The sandbox plays the real service as well."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = settings.CAMPAIGN_MONITOR_API_URL = sandbox.url


def open_live_pane(page: Page, alice: User) -> None:
    sign_in(page, alice, LIST)
    page.get_by_role("button", name="Add connection").click()
    page.get_by_role("link", name="Campaign Monitor").first.click()
    expect(page.get_by_label("Display name")).to_be_focused()


def test_an_administrator_sets_up_a_connection(page: Page, alice: User, sandbox: RunningSandbox) -> None:
    open_live_pane(page, alice)
    pane = page.get_by_role("dialog", name="Set up Campaign Monitor connection")
    save, connect = (pane.get_by_role("button", name=name, exact=True) for name in ("Save", "Connect"))
    missing = pane.locator("[data-missing]")
    expect(missing).to_have_text(
        "Required: Display name, I agree, Authenticate with Campaign Monitor, Add yourself as export user"
    )
    expect(connect).to_be_disabled()
    pane.get_by_label("Display name").fill("Winter mail")
    pane.get_by_label("I agree").check()
    expect(connect).to_be_enabled()
    assert_accessible(page)
    connect.click()

    key = pane.get_by_label("API key")
    expect(key).to_be_focused()
    key.fill("key does not match")
    key.press("Enter")
    expect(pane.get_by_text("does not accept the API key")).to_be_visible()
    expect(key).to_have_value("key does not match")
    key.fill(sandbox.api_key)
    pane.get_by_role("button", name="Authenticate with Campaign Monitor").click()
    expect(pane.get_by_text("Connected to Campaign Monitor")).to_be_visible()
    expect(key).to_have_count(0)
    expect(save).to_be_disabled()
    expect(missing).to_have_text("Required: Add yourself as export user")

    password = pane.get_by_label("Your password")
    expect(password).to_be_focused()
    password.fill(PASSWORD)
    password.press("Enter")
    expect(pane.get_by_text("Alice Adams is the export user")).to_be_visible()
    expect(missing).to_be_hidden()
    assert_accessible(page)
    screenshot(page, "connection-pane")
    save.click()
    expect(page.get_by_text("The connection “Winter mail” is saved.")).to_be_visible()
    expect(page.get_by_role("row", name="Winter mail")).to_contain_text("Ready")
    assert credentials.access(Connection.objects.get()).credentials == {"api_key": sandbox.api_key}


def test_no_click_is_lost_however_quickly_it_follows(page: Page, alice: User) -> None:
    sign_in(page, alice, ADD)
    connect = page.get_by_role("button", name="Connect", exact=True)
    for _time in range(5):
        page.goto(ADD)
        page.get_by_label("I agree").check()
        page.get_by_label("Display name").press_sequentially("Winter mail")
        page.evaluate("(button) => button.click()", connect.element_handle())  # in the same breath
        expect(page.get_by_label("API key")).to_be_focused()


def test_a_name_that_is_taken_is_said_beside_the_field(page: Page, alice: User) -> None:
    make_connection(alice, "Winter mail")
    open_live_pane(page, alice)
    page.get_by_label("Display name").fill("winter mail")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("Another connection has this name.")).to_be_visible()
    expect(page.get_by_label("Display name")).to_be_focused()
    page.get_by_label("Display name").fill("Summer mail")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_label("API key")).to_be_focused()


def test_a_client_key_is_asked_for_its_client(page: Page, alice: User, sandbox: RunningSandbox) -> None:
    open_live_pane(page, alice)
    page.get_by_label("Display name").fill("Winter mail")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_label("API key").fill(sandbox.client_api_key)
    page.get_by_label("API key").press("Enter")
    page.get_by_label("Client ID").fill(sandbox.client_id)
    page.get_by_label("Client ID").press("Enter")
    expect(page.get_by_text("Connected to Campaign Monitor")).to_be_visible()


def test_a_connection_is_edited_and_removed(page: Page, alice: User) -> None:
    make_connection(alice, "Winter mail", environment="sandbox")
    sign_in(page, alice, LIST)
    assert_accessible(page)
    page.get_by_role("link", name="Winter mail").click()
    page.get_by_label("Display name").fill("Summer mail")
    page.get_by_label("Contributors").check()
    page.get_by_role("button", name="Save", exact=True).click()
    row = page.get_by_role("row", name="Summer mail")
    expect(row).to_contain_text("Administrators, Contributors")
    page.get_by_label("Select Summer mail").check()
    page.get_by_role("toolbar", name="Commands").get_by_text("Remove").click()
    dialog = page.get_by_role("alertdialog", name="Remove “Summer mail”?")
    expect(dialog).to_be_visible()
    assert_accessible(page)
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The connection “Summer mail” is removed.")).to_be_visible()
    expect(page.get_by_text("No connections yet")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(open_page: OpenPage, alice: User, scheme: str) -> None:
    make_connection(alice, "A connection with quite a long display name, as people like them")
    page = open_page(viewport=PHONE, color_scheme=scheme)
    for address in (LIST, ADD):
        sign_in(page, alice, address) if page.url == "about:blank" else page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert_accessible(page)

"""“Authenticate with Campaign Monitor” in a browser: out to the consent page, and back with everything typed."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from connections import vault
from connections.models import Connection
from tests.conftest import PASSWORD
from tests.functional.conftest import PHONE, OpenPage, assert_accessible, screenshot, sign_in
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

LIST = "/admin/connections/"
pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _places(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    settings.CAMPAIGN_MONITOR_API_URL = ""
    settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_ID = "100001"
    settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET = "sandbox-secret"


def start_connecting(page: Page, name: str) -> None:
    page.get_by_role("button", name="Add connection").click()
    page.get_by_role("link", name="Campaign Monitor").first.click()
    expect(page.get_by_label("Display name")).to_be_focused()  # the pane has arrived
    page.get_by_label("Display name").press_sequentially(name, delay=20)
    page.get_by_label("Contributors").check()
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_label("API key")).to_be_visible()


def go_to_consent(page: Page, alice: User, name: str) -> None:
    sign_in(page, alice, LIST)
    start_connecting(page, name)
    assert_accessible(page)
    screenshot(page, "sign-in-offered")
    page.get_by_role("button", name="Authenticate with Campaign Monitor").click()
    expect(page.get_by_role("heading", name="Application 100001 asks for access")).to_be_visible()


def test_an_account_owner_allows_access(page: Page, alice: User, sandbox: RunningSandbox) -> None:
    go_to_consent(page, alice, "Winter mail")
    assert_accessible(page)
    screenshot(page, "consent")
    page.get_by_label("Email").fill("owner@example.com")
    page.get_by_label("Password").fill("sandbox")
    page.get_by_role("button", name="Allow access").click()

    expect(page.get_by_text("Connected to Campaign Monitor")).to_be_visible()
    expect(page.get_by_label("Display name")).to_have_value("Winter mail")
    expect(page.get_by_label("Contributors")).to_be_checked()
    assert "code=" not in page.url
    assert_accessible(page)
    screenshot(page, "signed-in")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Add yourself as export user").click()
    expect(page.get_by_text("Alice Adams is the export user")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The connection “Winter mail” is saved.")).to_be_visible()
    expect(page.get_by_role("row", name="Winter mail")).to_contain_text("Ready")
    assert "access_token" in vault.stored(Connection.objects.get())


def test_an_account_owner_says_no(open_page: OpenPage, alice: User) -> None:
    page = open_page(viewport=PHONE, color_scheme="dark")
    go_to_consent(page, alice, "Winter mail")
    screenshot(page, "consent-phone-dark")
    page.get_by_role("button", name="Deny").click()

    expect(page.get_by_text("Access was denied in Campaign Monitor")).to_be_visible()
    expect(page.get_by_label("Display name")).to_have_value("Winter mail")
    screenshot(page, "denied-phone-dark")
    expect(page).to_have_url(re.compile("draft="))


@pytest.mark.parametrize("client_id", ["100001", ""])  # the sign-in offered, and how to configure it
def test_the_pane_can_be_left_in_every_way(page: Page, alice: User, settings: Settings, client_id: str) -> None:
    settings.CAMPAIGN_MONITOR_OAUTH_CLIENT_ID = client_id
    sign_in(page, alice, LIST)
    start_connecting(page, "Winter mail")
    question = page.get_by_role("alertdialog", name="Discard changes?")
    closers = (
        page.locator("#pane .pane__head [data-pane-close]"),
        page.locator("#pane .pane__foot [data-pane-close]"),
    )
    for way in ("Escape", "outside", *closers):
        if way == "Escape":
            page.keyboard.press("Escape")
        elif isinstance(way, str):
            page.mouse.click(20, 400)
        else:
            way.click()
        expect(question.get_by_role("button", name="Keep editing")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        expect(question.get_by_role("button", name="Discard changes")).to_be_focused()
        question.get_by_role("button", name="Keep editing").click(timeout=5000)
        expect(question).to_be_hidden()
        expect(page.get_by_label("Display name")).to_have_value("Winter mail")
    page.keyboard.press("Escape")
    question.get_by_role("button", name="Discard changes").click(timeout=5000)
    expect(page.locator("#pane")).to_be_empty()
    page.get_by_role("button", name="Add connection").click()  # the page answers again
    expect(page.get_by_role("link", name="Campaign Monitor").first).to_be_visible()

"""The rest of Admin > System, walked in a browser: how one reads, what everything is made of, and who is told."""

import pytest
from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from tests.functional.conftest import PHONE, OpenPage, assert_accessible, sign_in
from tests.support.mail_server import mail_server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GENERAL = "/admin/system/general/"


def test_language_and_formats_are_chosen_with_a_preview(page: Page, alice: User) -> None:
    sign_in(page, alice, GENERAL)
    preview = page.locator("#preview")
    page.get_by_label("Dates").select_option("j.n.Y")
    expect(preview).to_contain_text(".2026")
    page.get_by_label("Language").select_option("pl")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("navigation").get_by_role("link", name="Eksporty", exact=True)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "pl")


def test_organisation_and_environment_have_names(page: Page, alice: User) -> None:
    sign_in(page, alice, GENERAL)
    page.get_by_label("Environment").fill("Acceptance")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_role("banner")).to_contain_text("Acceptance")


def test_about_tells_versions_queues_and_storage(page: Page, alice: User) -> None:
    sign_in(page, alice, "/admin/system/about/")
    for heading in ("Versions", "Queues and workers", "Database"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.get_by_text("PostgreSQL").first).to_be_visible()


def test_notifications_say_where_they_go_and_can_be_tried(page: Page, alice: User) -> None:
    with mail_server():
        sign_in(page, alice, "/admin/system/notifications/")
        expect(page.get_by_text("Alice Adams", exact=False).first).to_be_visible()
        page.get_by_role("button", name="Send test").click()
        expect(page.get_by_role("cell", name="alice@example.com").first).to_be_visible()


def test_kinds_of_notifications_are_chosen_by_keyboard(page: Page, alice: User) -> None:
    sign_in(page, alice, "/admin/system/notifications/")
    page.get_by_role("link", name="My notifications").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Email me about problems")).to_be_focused()
    page.get_by_label("Empty").focus()
    page.keyboard.press("Space")
    assert_accessible(page)
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("12 of 13 notifications")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_these_pages_are_accessible_and_fit_a_phone(open_page: OpenPage, alice: User, scheme: str) -> None:
    page = open_page(viewport=PHONE, color_scheme=scheme)
    sign_in(page, alice)
    for tab in ("general", "about", "notifications"):
        page.goto(f"/admin/system/{tab}/")
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], tab

"""The pages of the help in a browser: without barriers in both themes, with pictures that load when they are
reached, and opened by the Help link at the section that fits the page."""

import re

import pytest
from playwright.sync_api import Page, expect

from config.console.help_pages import PAGES
from config.platform.accounts.models import User
from tests.functional.conftest import OpenPage, complaints_of_axe, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_no_page_of_the_help_has_a_barrier(open_page: OpenPage, charlie: User) -> None:
    page = open_page(reduced_motion="reduce", color_scheme="light")
    sign_in(page, charlie, "/help/")
    found = complaints_of_axe(page, inside_shell=True)
    for name in PAGES:
        page.goto(f"/help/{name}/")
        found += complaints_of_axe(page, inside_shell=True)
        page.emulate_media(color_scheme="dark")
        found += complaints_of_axe(page, ["color-contrast"], inside_shell=True)
        page.emulate_media(color_scheme="light")
    assert found == []


def test_pictures_load_when_they_are_reached(page: Page, charlie: User) -> None:
    sign_in(page, charlie, "/help/results/")
    pictures = page.locator(".help__picture img")
    assert pictures.count() == 3
    for picture in pictures.all():
        expect(picture).to_have_attribute("loading", "lazy")
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("(image) => image.naturalWidth") >= 1200


def test_pages_fit_on_a_phone(phone: Page, charlie: User) -> None:
    sign_in(phone, charlie, "/help/")
    for name in PAGES:
        phone.goto(f"/help/{name}/")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_the_help_link_opens_the_section_that_fits(page: Page, alice: User) -> None:
    sign_in(page, alice, "/admin/audit/")
    page.locator(".top-bar").get_by_role("link", name="Help").press("Enter")
    page.wait_for_url(re.compile("/help/people-and-permissions/#audit-log$"))
    expect(page.get_by_role("heading", name="Audit log")).to_be_in_viewport()


def test_the_search_finds_what_operators_need(page: Page, charlie: User) -> None:
    sign_in(page, charlie, "/help/")
    page.get_by_role("searchbox", name="Search the help").fill("encryption key")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Change the encryption key").press("Enter")
    page.wait_for_url(re.compile("/help/backup/#"))

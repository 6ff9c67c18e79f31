"""Panes and dialogs stand in the address: Back, Forward, reload and a copied link bring them back."""

import re

from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from tests.functional.conftest import sign_in
from tests.support.exports import segment_of_everyone
from tests.support.profiles import create_profiles

LIST = "/admin/permissions/"


def test_a_pane_is_in_the_address(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice)
    page.goto(f"{LIST}?sort=-name")
    address = f"{LIST}?sort=-name&pane={LIST}{bob.pk}/"
    page.get_by_role("link", name="Bob Brown").click()
    pane = page.get_by_role("dialog", name="Bob Brown")
    expect(pane).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape(address) + "$"))
    page.go_back()
    expect(pane).to_be_hidden()
    expect(page).to_have_url(re.compile(r"\?sort=-name$"))
    page.go_forward()
    expect(pane).to_be_visible()
    page.reload()
    expect(pane).to_be_visible()
    page.keyboard.press("Escape")
    expect(pane).to_be_hidden()
    expect(page).to_have_url(re.compile(r"\?sort=-name$"))
    page.goto(address)
    expect(pane).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"\?sort=-name$"))


def test_after_saving_back_does_not_open_the_pane_again(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice)
    page.goto(LIST)
    page.get_by_role("link", name="Bob Brown").click()
    page.get_by_label("Name").fill("Bobby Brown")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("“Bobby Brown” is saved.")).to_be_visible()
    expect(page).to_have_url(re.compile(f"{LIST}$"))
    page.go_back()
    expect(page).to_have_url(re.compile("/$"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert LIST not in page.url


def test_back_asks_before_it_loses_what_was_typed(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice, LIST)
    page.get_by_role("link", name="Bob Brown").click()
    page.get_by_label("Name").fill("Another name")
    page.go_back()
    question = page.get_by_role("alertdialog", name="Discard changes?")
    question.get_by_role("button", name="Keep editing").click()
    expect(page.get_by_label("Name")).to_have_value("Another name")
    expect(page).to_have_url(re.compile(f"pane={LIST}{bob.pk}/$"))
    page.go_back()
    question.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page).to_have_url(re.compile(f"{LIST}$"))


def test_an_address_opens_nothing_but_panes_of_this_site(page: Page, alice: User) -> None:
    sign_in(page, alice, LIST)
    for path in ("/help/", "//example.com/", "https://example.com/", "/admin/audit/download/"):
        page.goto(f"{LIST}?pane={path}")
        expect(page.get_by_role("heading", name="Permissions")).to_be_visible()
        page.wait_for_load_state("networkidle")
        expect(page.locator("#pane > *")).to_have_count(0)


def test_a_download_is_not_shown_as_a_pane(page: Page, alice: User) -> None:
    """Its values are not escaped for HTML, and the page would send what they say, with the user's session."""
    create_profiles(
        [{"email": "ann@example.com", "note": "<section data-pane-frame hx-get='/x' hx-trigger='load'>"}]
    )
    everyone = segment_of_everyone()
    with page.expect_response(f"**/segments/{everyone.pk}/members/"):
        sign_in(page, alice, f"/segments/?pane=/segments/{everyone.pk}/members/")
    expect(page.get_by_role("heading", name="Segments", exact=True)).to_be_visible()
    expect(page.locator("#pane > *")).to_have_count(0)
    expect(page).to_have_url(re.compile("/segments/$"))


def test_an_address_that_is_none_is_left_alone(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice, f"{LIST}?pane=//")
    page.get_by_role("link", name="Bob Brown").click()
    expect(page.get_by_role("dialog", name="Bob Brown")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Bob Brown")).to_be_hidden()

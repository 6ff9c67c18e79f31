"""Find anything by keyboard, from any page."""

import re

from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from segments.models import Segment
from tests.functional.conftest import sign_in


def test_ctrl_k_finds_and_opens_by_keyboard_and_remembers(page: Page, alice: User) -> None:
    Segment.objects.create(name="Spring readers")
    readers = Segment.objects.create(name="Summer readers")
    sign_in(page, alice, "/segments/")
    page.keyboard.press("Control+k")
    search = page.get_by_role("combobox", name="Find exports, segments, pages and commands")
    expect(search).to_be_focused()
    page.keyboard.type("readers")
    chosen = page.get_by_role("option", selected=True)
    expect(chosen).to_have_text("Spring readers")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_text("Summer readers")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/segments/{readers.pk}/$"))
    page.keyboard.press("Control+k")
    page.keyboard.type("readers")  # at once, while the dialog is being loaded
    expect(search).to_have_value("readers")
    expect(chosen).to_have_text("Summer readers")
    page.keyboard.press("Escape")
    expect(search).to_be_hidden()
    page.go_back()
    expect(page).to_have_url(re.compile("/segments/$"))
    expect(search).to_be_hidden()


def test_it_is_a_page_where_scripts_do_not_run(page: Page, alice: User) -> None:
    Segment.objects.create(name="Spring readers")
    sign_in(page, alice, "/find/?q=spring")
    expect(page.get_by_role("option", name="Spring readers")).to_be_visible()

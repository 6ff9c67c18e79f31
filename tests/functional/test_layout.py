"""The shell in a browser: lists, menus, panes and dialogs by keyboard; phones; colours."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from config.platform.accounts.models import User
from tests.functional.conftest import PHONE, WIDE, OpenPage, Troubles, assert_accessible, sign_in

LIST = "/admin/permissions/"


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_the_command_bar_follows_the_selection(page: Page, alice: User, bob: User, charlie: User) -> None:
    sign_in(page, alice, LIST)
    bar = page.get_by_role("toolbar", name="Commands")
    expect(bar.get_by_text("Add user")).to_be_visible()
    page.get_by_label("Select Bob Brown").check()
    expect(bar.get_by_text("Edit")).to_be_visible()
    expect(bar.get_by_text("Add user")).to_be_hidden()
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.get_by_label("Select all on this page").check()
    expect(page.get_by_text("3 selected")).to_be_visible()
    expect(bar.get_by_text("Edit")).to_be_hidden()
    page.get_by_role("button", name="Clear selection").click()
    expect(bar.get_by_text("Add user")).to_be_visible()


def test_a_person_is_edited_by_keyboard_alone(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice, LIST)
    page.get_by_label("Select Bob Brown").focus()
    menu = page.get_by_role("button", name="More actions for Bob Brown")
    press(page, "Tab", "Tab", "Tab")
    expect(menu).to_be_focused()
    # Four items: round, and back to the first.
    press(page, "Enter", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    expect(page.locator(".menu__item:focus")).to_have_text("Edit")
    press(page, "Escape")
    expect(menu).to_be_focused()
    press(page, "Enter", "Enter")
    pane = page.get_by_role("dialog", name="Bob Brown")
    expect(pane.get_by_label("Name")).to_be_focused()
    press(page, "ControlOrMeta+a")
    page.keyboard.type("Robert Brown")
    press(page, "Enter")
    expect(page.get_by_text("“Robert Brown” is saved.")).to_be_visible()
    expect(page.get_by_role("link", name="Robert Brown")).to_be_visible()


def test_a_pane_keeps_the_focus_and_gives_it_back(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice, LIST)
    link = page.get_by_role("link", name="Bob Brown")
    link.press("Enter")
    pane = page.get_by_role("dialog")
    expect(pane).to_be_visible()
    for _ in range(14):
        press(page, "Tab")
        inside = page.evaluate("!document.querySelector('#app').contains(document.activeElement)")
        assert inside, "the focus left the pane"
    press(page, "Escape")
    expect(pane).to_be_hidden()
    expect(link).to_be_focused()


def test_leaving_with_unsaved_changes_asks(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice, LIST)
    page.get_by_role("link", name="Bob Brown").click()
    page.get_by_label("Name").fill("Another name")
    press(page, "Escape")
    question = page.get_by_role("alertdialog", name="Discard changes?")
    expect(question.get_by_role("button", name="Keep editing")).to_be_focused()
    assert_accessible(page)
    press(page, "Enter")
    expect(page.get_by_label("Name")).to_have_value("Another name")
    page.get_by_role("button", name="Cancel").or_(page.get_by_role("link", name="Cancel")).click()
    question.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_save_says_what_is_missing(page: Page, alice: User) -> None:
    sign_in(page, alice, LIST)
    page.get_by_text("Add user").click()
    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_disabled()
    expect(page.get_by_text("Required: Name, Username, Role")).to_be_visible()
    page.get_by_label("Name", exact=False).first.fill("Dora Dale")
    page.get_by_label("Username").fill("do ra")
    expect(page.get_by_text("Required: Role")).to_be_visible()
    page.get_by_role("radio", name="Viewer").check()
    save.click()
    expect(page.get_by_text("Use only letters, digits")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("do ra")
    page.get_by_label("Username").fill("dora")
    save.click()
    expect(page.get_by_text("Share this link with the user")).to_be_visible()


def test_a_stale_save_is_told_and_can_overwrite(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice, LIST)
    page.get_by_role("link", name="Bob Brown").click()
    page.get_by_label("Name").fill("Bobby Brown")
    other = page.context.new_page()
    other.goto(f"{LIST}{bob.pk}/")
    other.get_by_label("Name").fill("Robert Brown")
    other.get_by_role("button", name="Save", exact=True).click()
    other.wait_for_url(re.compile(f"{LIST}$"))
    other.close()
    page.get_by_role("button", name="Save", exact=True).click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("This item was changed while you were editing.")
    expect(told).to_contain_text("Robert Brown")
    assert_accessible(page)
    expect(page.get_by_label("Name")).to_have_value("Bobby Brown")
    page.get_by_role("button", name="Overwrite").click()
    expect(page.get_by_role("link", name="Bobby Brown")).to_be_visible()


def test_the_list_sorts_and_searches_in_the_address(page: Page, alice: User, bob: User, charlie: User) -> None:
    sign_in(page, alice, LIST)
    names = page.locator("tbody .table__name")
    page.get_by_role("link", name="Name", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?sort=-name$"))
    expect(names).to_have_text(["Charlie Clark", "Bob Brown", "Alice Adams"])
    page.get_by_role("searchbox").fill("bo")
    expect(names).to_have_text(["Bob Brown"])
    expect(page).to_have_url(re.compile(r"q=bo&sort=-name$"))
    page.go_back()
    expect(names).to_have_text(["Charlie Clark", "Bob Brown", "Alice Adams"])


def test_an_unreachable_server_is_told_in_a_toast(page: Page, alice: User, bob: User, troubles: Troubles) -> None:
    sign_in(page, alice, LIST)
    page.route(f"**{LIST}{bob.pk}/", lambda route: route.abort())
    page.get_by_role("link", name="Bob Brown").click()
    expect(page.get_by_text("The server is not reachable.")).to_be_visible()
    troubles.clear()


def test_a_refusal_is_told_in_a_toast(page: Page, alice: User, bob: User, troubles: Troubles) -> None:
    sign_in(page, alice, LIST)
    User.objects.create_user("zoe", "a-long-password", role="administrator")
    User.objects.filter(pk=alice.pk).update(role="viewer")
    page.get_by_role("link", name="Bob Brown").click()
    expect(page.locator(".toast")).to_contain_text("Your role, Viewer, does not allow you to manage users")
    troubles.clear()


def test_a_double_click_saves_once(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice, LIST)
    posts: list[str] = []

    def slowly(route: Route) -> None:
        posts.append(route.request.method)
        route.continue_()

    page.get_by_role("link", name="Bob Brown").click()
    page.get_by_label("Name").fill("Bobby Brown")
    page.route(f"**{LIST}{bob.pk}/", slowly)
    page.get_by_role("button", name="Save", exact=True).dblclick()
    expect(page.get_by_text("“Bobby Brown” is saved.")).to_be_visible()
    assert posts == ["POST"]


def test_the_navigation_remembers_that_it_was_collapsed(page: Page, alice: User) -> None:
    sign_in(page, alice)
    page.get_by_role("button", name="Collapse navigation").click()
    expect(page.locator("html")).to_have_attribute("data-nav", "collapsed")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-nav", "collapsed")
    assert_accessible(page)


def test_the_chosen_colours_are_remembered_by_the_server(page: Page, alice: User) -> None:
    sign_in(page, alice)
    page.get_by_role("button", name="Switch to dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.get_by_role("button", name="Switch to light theme")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 24, 26)"


def test_a_phone_has_a_drawer_and_cards(phone: Page, alice: User, bob: User) -> None:
    sign_in(phone, alice)
    phone.get_by_role("button", name="Navigation").click()
    phone.get_by_role("link", name="Permissions").click()
    expect(phone.get_by_role("heading", name="Permissions")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    phone.get_by_role("button", name="More actions for Bob Brown").click()
    phone.get_by_role("button", name="Set password").click()
    pane = phone.get_by_role("dialog")
    expect(pane.get_by_label("New password")).to_be_focused()
    box = pane.bounding_box()
    assert box is not None
    assert round(box["width"]) == PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(open_page: OpenPage, alice: User, troubles: Troubles, scheme: str) -> None:
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    page.goto("/accounts/sign-in/")
    assert_accessible(page)
    sign_in(page, alice)
    for address in ("/", LIST, "/admin/system/", "/help/statuses/", "/nowhere/"):
        page.goto(address)
        assert_accessible(page)
        page.set_viewport_size(PHONE)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        page.set_viewport_size(WIDE)
    assert [trouble for trouble in troubles if "/nowhere/" not in trouble] == []
    troubles.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_panes_menus_and_dialogs_are_accessible(open_page: OpenPage, alice: User, bob: User, scheme: str) -> None:
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    sign_in(page, alice, LIST)
    page.get_by_role("button", name="More actions for Bob Brown").click()
    assert_accessible(page)
    page.get_by_role("button", name="Deactivate").last.click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.get_by_text("Add user").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)


def test_the_command_bar_keeps_its_height(page: Page, alice: User, bob: User) -> None:
    page.set_viewport_size(PHONE)
    sign_in(page, alice, LIST)
    bar = page.locator(".command-bar")
    before = bar.bounding_box()
    page.get_by_label("Select Bob Brown").check()
    expect(page.get_by_text("1 selected")).to_be_visible()
    assert bar.bounding_box() == before
    more = bar.get_by_role("button", name="More actions")
    more.press("Enter")
    press(page, "End")
    expect(page.locator(".menu__item:focus")).to_have_text("Remove")
    assert_accessible(page)
    press(page, "Enter")
    expect(page.locator("#dialog").get_by_role("alertdialog")).to_be_visible()
    press(page, "Escape")
    expect(more).to_be_focused()
    page.set_viewport_size(WIDE)
    expect(more).to_be_hidden()
    expect(bar.get_by_role("button", name="Remove")).to_be_visible()


def test_a_message_covers_no_button_of_a_pane(page: Page, alice: User, bob: User) -> None:
    sign_in(page, alice)
    page.goto(f"{LIST}?pane={LIST}{bob.pk}/")
    expect(page.get_by_role("dialog", name="Bob Brown")).to_be_visible()
    page.evaluate("window.shell.toast('The server is not reachable.', 'error')")
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)
        toast = page.locator(".toast").bounding_box()
        assert toast is not None
        for button in page.locator("#pane button, #pane a").all():
            box = button.bounding_box()
            assert box is not None
            beside = box["x"] >= toast["x"] + toast["width"] or toast["x"] >= box["x"] + box["width"]
            above = box["y"] >= toast["y"] + toast["height"] or toast["y"] >= box["y"] + box["height"]
            assert beside or above, button.inner_text()

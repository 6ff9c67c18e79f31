"""A session that ends while a page is open: a dialog asks for the password, and nothing that was typed is lost."""

from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, Page, expect

from config.platform.accounts.models import User
from tests.conftest import PASSWORD
from tests.functional.conftest import Troubles, assert_accessible, sign_in

LIST = "/admin/permissions/"


def end_session() -> None:
    Session.objects.all().delete()


def sign_in_again(page: Page) -> Locator:
    """Answer the dialog by keyboard alone."""
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    return dialog


def test_what_was_typed_is_saved_after_signing_in_again(
    page: Page, alice: User, bob: User, troubles: Troubles
) -> None:
    sign_in(page, alice, LIST)
    page.get_by_role("link", name="Bob Brown").click()
    page.get_by_label("Name").fill("Bobby Brown")
    end_session()
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog.get_by_label("Username")).to_have_value("alice")
    assert_accessible(page)
    dialog.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("The username or password is incorrect.")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("Name")).to_have_value("Bobby Brown")

    page.get_by_role("button", name="Save", exact=True).click()
    sign_in_again(page)
    expect(page.get_by_text("“Bobby Brown” is saved.")).to_be_visible()
    troubles.clear()  # 401


def test_a_form_that_leads_to_another_page_waits_for_the_password(
    page: Page, alice: User, troubles: Troubles
) -> None:
    sign_in(page, alice, "/admin/system/general/")
    with page.expect_response("**/general/preview/**"):
        page.locator("main select[name=date_format]").select_option(index=2)
    end_session()
    page.locator("main").get_by_role("button", name="Save").first.click()
    sign_in_again(page)
    expect(page.locator(".toast")).to_contain_text("saved")
    alice.refresh_from_db()
    assert alice.date_format
    troubles.clear()


def test_what_is_typed_is_not_sent_as_another_user(page: Page, alice: User, bob: User, troubles: Troubles) -> None:
    sign_in(page, alice, LIST)
    page.get_by_role("link", name="Bob Brown").click()
    page.get_by_label("Name").fill("Bobby Brown")
    end_session()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog", name="Sign in again").get_by_label("Username").fill("bob")
    page.on("dialog", lambda question: question.accept())
    page.get_by_role("dialog", name="Sign in again").get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Account of Bob Brown")).to_be_visible()
    bob.refresh_from_db()
    assert bob.full_name == "Bob Brown"
    troubles.clear()

"""A session that ends while a page is open: a dialog asks for the password, and nothing that was typed is lost."""

from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, Page, expect

from config.platform.accounts.models import User
from tests.conftest import PASSWORD
from tests.functional.conftest import Troubles, assert_accessible, screenshot, sign_in
from tests.integration.config.test_single_sign_on import provider
from tests.support import oidc
from tests.support.authenticator import code

__all__ = ["provider"]

LIST = "/admin/permissions/"
SECRET = "JBSWY3DPEHPK3PXP"


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


def edit_until_the_session_ends(page: Page) -> Locator:
    """Type a name for Bob, let the session end, and save: the dialog asks to sign in again."""
    page.get_by_role("link", name="Bob Brown").click()
    page.get_by_label("Name").fill("Bobby Brown")
    end_session()
    page.get_by_role("button", name="Save", exact=True).click()
    return page.get_by_role("dialog", name="Sign in again")


def is_saved(page: Page, bob: User) -> bool:
    """Wait until what was typed is saved, with the dialog gone."""
    expect(page.get_by_text("“Bobby Brown” is saved.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    bob.refresh_from_db()
    return bob.full_name == "Bobby Brown"


def test_a_second_factor_is_asked_for_in_another_tab(
    page: Page, alice: User, bob: User, troubles: Troubles
) -> None:
    TOTP.activate(alice, SECRET)
    sign_in(page, alice, LIST)
    dialog = edit_until_the_session_ends(page)
    dialog.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    link = dialog.get_by_role("link", name="Enter the code")
    expect(link).to_be_focused()
    assert_accessible(page)
    screenshot(page, "session-end-code")
    dialog.get_by_role("button", name="Continue").click()  # too early: it asks again
    expect(dialog.get_by_label("Password")).to_be_visible()
    dialog.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    with page.context.expect_page() as opened:
        link.press("Enter")
    opened.value.get_by_label("Code").fill(code(SECRET))
    opened.value.get_by_role("button", name="Sign in", exact=True).click()
    expect(opened.value.get_by_role("heading", name="Welcome, Alice")).to_be_visible()
    dialog.get_by_role("button", name="Continue").press("Enter")
    assert is_saved(page, bob)
    troubles.clear()  # 401


def test_single_sign_on_is_done_in_another_tab(
    page: Page, bob: User, provider: oidc.Provider, troubles: Troubles
) -> None:
    page.goto("/accounts/single-sign-on/")
    expect(page.get_by_role("button", name="Account of Dora Dale")).to_be_visible()
    User.objects.filter(username="dora").update(role="administrator")
    page.goto(LIST)
    dialog = edit_until_the_session_ends(page)
    expect(dialog.get_by_label("Username")).to_have_value("dora")
    assert_accessible(page)
    screenshot(page, "session-end-single-sign-on")
    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name="Sign in with Contoso").press("Enter")
    expect(opened.value.get_by_role("button", name="Account of Dora Dale")).to_be_visible()
    dialog.get_by_role("button", name="Continue").press("Enter")
    assert is_saved(page, bob)
    troubles.clear()

"""Security and Audit in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from config.platform.accounts import actions
from config.platform.accounts.models import User
from tests.conftest import PASSWORD
from tests.functional.conftest import assert_accessible, screenshot, sign_in
from tests.support.authenticator import code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def enter(page: Page) -> None:
    page.goto("/accounts/sign-in/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_alice_sets_it_up_and_signs_in_with_it(page: Page, alice: User) -> None:
    enter(page)
    page.get_by_role("button", name="Account of Alice Adams").click()
    page.get_by_role("menuitem", name="Security").or_(page.get_by_text("Security", exact=True)).first.click()
    page.get_by_role("link", name="Set up").click()
    expect(page.get_by_role("heading", name="Confirm your identity")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    drawing = page.locator(".qr-code svg path")
    expect(drawing).to_be_visible()
    assert_accessible(page)
    screenshot(page, "second-factor-set-up")
    secret = page.locator("[data-secret]").inner_text()
    page.get_by_label("Authenticator code").fill(code(secret))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "recovery-codes")
    recovery = page.locator(".recovery-codes li").first.inner_text()
    page.get_by_role("button", name="Account of Alice Adams").click()
    page.get_by_text("Sign out").click()
    enter(page)
    assert_accessible(page)
    screenshot(page, "code")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Incorrect code.")).to_be_visible()
    page.get_by_label("Code").fill(code(secret, steps=1))  # the first one counts once
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("Welcome, Alice"))).to_be_visible()
    page.context.clear_cookies()
    enter(page)
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("Welcome, Alice"))).to_be_visible()


def test_the_pages_of_accounts_and_audit_are_accessible(page: Page, phone: Page, alice: User, bob: User) -> None:
    actions.edit_user(user=bob, version=1, full_name="Robert Brown", email=bob.email, role="viewer", by=alice)
    for screen, kind in ((page, "wide"), (phone, "phone")):
        sign_in(screen, alice)
        for name in ("admin/audit", "accounts/security", "admin/permissions"):
            screen.goto(f"/{name}/")
            assert_accessible(screen)
            screenshot(screen, f"{name.replace('/', '-')}-{kind}")


def test_the_record_narrows_as_one_chooses(page: Page, alice: User, bob: User) -> None:
    actions.edit_user(user=bob, version=1, full_name="Robert Brown", email=bob.email, role="viewer", by=alice)
    sign_in(page, alice, "/admin/audit/")
    row = page.get_by_role("cell", name=re.compile("Robert Brown|Bob Brown")).first
    expect(row).to_be_visible()
    page.get_by_label("Text").fill("nowhere")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_label("Text").fill("viewer")
    expect(row).to_be_visible()
    page.get_by_label("Who").select_option("Alice Adams")
    expect(page).to_have_url(re.compile("who=Alice"))
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download CSV").click()
    assert "viewer" in taken.value.path().read_text(encoding="utf-8")

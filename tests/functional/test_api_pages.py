"""Create a token in a browser, and read the documentation of the REST API, under the strict policy of pages."""

import pytest
from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from tests.conftest import PASSWORD
from tests.functional.conftest import assert_accessible, screenshot, sign_in
from tests.support.api import ApiClient

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_token_is_created_and_works(page: Page, bob: User) -> None:
    sign_in(page, bob)
    page.get_by_role("button", name="Account of Bob Brown").click()
    page.get_by_text("API tokens", exact=True).first.click()
    page.get_by_label("Name").fill("Airflow")
    page.get_by_role("checkbox", name="Run exports").check()
    page.get_by_label("Your password").fill(PASSWORD)
    assert_accessible(page)
    screenshot(page, "api-tokens")
    page.get_by_role("button", name="Create token").click()
    token = page.locator(".handed-over").inner_text()
    assert ApiClient(token).get("token").json()["scopes"] == ["exports"]
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Airflow")).to_be_visible()
    assert_accessible(page)


def test_service_accounts_are_created(phone: Page, alice: User) -> None:
    sign_in(phone, alice, "/admin/permissions/service-accounts/")
    phone.get_by_label("Name").fill("dbt")
    phone.get_by_role("radio", name="Contributor").check()
    assert_accessible(phone)
    phone.get_by_role("button", name="Create service account").click()
    expect(phone.get_by_role("heading", name="dbt")).to_be_visible()
    assert_accessible(phone)


def test_the_documentation_breaks_no_policy(page: Page, bob: User) -> None:
    sign_in(page, bob, "/api/docs")
    page.locator("#operations-Exports-start_run").click()
    expect(page.get_by_text("Idempotency-Key").first).to_be_visible()
    page.get_by_role("button", name="Schema").first.click()

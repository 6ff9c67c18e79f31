"""A pane that is a page of its own, from a link or after reload, shows there what is wrong with its form."""

import pytest
from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from exports.models import Export
from tests.functional.conftest import assert_accessible, screenshot, sign_in
from tests.functional.every_state import account
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

pytestmark = pytest.mark.browser


@pytest.fixture
def newsletter(transactional_db: None, account: RunningSandbox, alice: User) -> Export:
    create_profiles([{"email": "ann@example.com"}])
    connection, everyone = exports.sandbox_connection(by=alice), exports.segment_of_everyone()
    exports.export_to(account, connection, everyone, by=alice, name="Taken")
    return exports.export_to(account, connection, everyone, by=alice)


def test_a_refused_save_stays_on_the_page(page: Page, alice: User, newsletter: Export) -> None:
    sign_in(page, alice, f"/data/exports/{newsletter.pk}/")
    frames = page.locator("[data-pane-frame]")
    expect(frames).to_have_count(1)
    name = page.locator("input[name=name]")
    for _ in range(2):  # the form that is shown again is refused in the same way
        name.fill("Taken")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("is taken").or_(page.get_by_text("already")).first).to_be_visible()
        expect(name).to_be_focused()
        expect(frames).to_have_count(1)
        expect(page.locator("#pane [data-pane-frame]")).to_have_count(0)
    assert_accessible(page)
    screenshot(page, "refused-save-on-a-page")
    name.fill("Other")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Other")).to_be_visible()

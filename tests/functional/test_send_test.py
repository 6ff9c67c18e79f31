"""“Send test contact” in a browser: from the list of exports to the answer."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from tests.functional.conftest import assert_accessible, screenshot, sign_in
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.browser


def test_a_contributor_sends_one(
    page: Page, alice: User, bob: User, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    create_profiles([{"email": "ann@example.com", "first_name": "Ann"}])
    connection = exports.sandbox_connection(sandbox, by=alice)
    mapping = [{"attribute": "first_name", "field": "name"}]
    exports.export_to(sandbox, connection, exports.segment_of_everyone(), mapping=mapping, by=bob)
    sign_in(page, bob, "/data/exports/")
    page.get_by_role("checkbox", name="Newsletter").check()
    page.get_by_role("button", name="Send test contact").click()
    pane = page.get_by_role("dialog", name="Send test contact")
    pane.get_by_label("Email address").fill("nobody@example.com")
    pane.get_by_role("button", name="Send test contact").click()
    expect(pane.get_by_text("No member of the segments of this export has this email address.")).to_be_visible()
    pane.get_by_label("Email address").fill("ann@example.com")
    pane.get_by_role("button", name="Send test contact").click()
    expect(pane.get_by_text("Accepted: added to the list.")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "send-one")
    assert [person["Name"] for person in sandbox.people()] == ["Ann"]

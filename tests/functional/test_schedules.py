"""A schedule, chosen in a real browser by keyboard alone, and seen in the list."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from exports.models import Export, ExportSchedule
from tests.functional.conftest import assert_accessible, command, screenshot, sign_in
from tests.support import exports

pytestmark = pytest.mark.browser


@pytest.fixture
def newsletter(transactional_db: None, alice: User) -> Export:
    connection = exports.sandbox_connection(by=alice)
    return exports.export_to(None, connection, exports.segment_of_everyone(), list_id="a" * 32)


def test_an_export_is_scheduled_by_keyboard_and_the_list_says_when(
    page: Page, bob: User, newsletter: Export
) -> None:
    sign_in(page, bob, reverse("exports:list"))
    expect(page.get_by_text("System refresh (off)")).to_be_visible()
    page.get_by_role("checkbox", name="Newsletter").check()
    command(page, "Schedule").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("The system refresh is off")
    page.get_by_label("Recurrence").focus()
    page.keyboard.type("Monthly")
    expect(page.get_by_label("Last day")).to_be_visible()
    expect(page.get_by_label("Recurrence")).to_be_focused()
    page.get_by_label("Last day").focus()
    page.keyboard.press("Space")
    expect(page.locator("#schedule-preview")).to_contain_text("Monthly on day 1 and the last day at 02:00")
    expect(page.locator("#schedule-preview li")).to_have_count(3)
    assert_accessible(page)
    screenshot(page, "schedule-pane")
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="Newsletter")).to_contain_text(
        "Monthly on day 1 and the last day at 02:00"
    )
    assert ExportSchedule.objects.get().export == newsletter


def test_a_segment_is_scheduled_from_its_page_which_then_says_when(
    page: Page, bob: User, newsletter: Export
) -> None:
    segment = newsletter.segments.get()
    sign_in(page, bob, reverse("segments:detail", args=[segment.pk]))
    page.get_by_role("link", name="Schedule", exact=True).click()
    page.get_by_label("Recurrence").select_option("daily")
    expect(page.locator("#schedule-preview")).to_contain_text("Daily at 02:00")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".schedule-line")).to_contain_text("Daily at 02:00")
    expect(page.get_by_role("heading", name=segment.name, level=1)).to_be_visible()

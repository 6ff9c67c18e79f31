"""An export goes to another list, and then away, in a browser and by keyboard: what becomes of its contacts."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from exports.actions import list_cleanup
from exports.models import Export, Run
from exports.run import pipeline
from tests.functional.conftest import assert_accessible, command, screenshot, sign_in
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.members import states
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.browser

PEOPLE = [f"p{n}@example.com" for n in range(5)]


def carry_on() -> None:
    """Work on open runs until they end, as a worker does."""
    for run in Run.objects.filter(status__in=("queued", "processing")):
        while run.is_open:
            pipeline.run_slice(run.pk)
            run.refresh_from_db()
    list_cleanup.finish_removals()


def season(sandbox: RunningSandbox, settings: Settings, list_id: str, *, alice: User, bob: User) -> Export:
    """Make Bob's export of all profiles to that list, over Alice's connection."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    create_profiles([{"email": email, "first_name": "Ann"} for email in PEOPLE])
    connection, everyone = exports.sandbox_connection(sandbox, by=alice), exports.segment_of_everyone()
    return exports.export_to(sandbox, connection, everyone, list_id=list_id, name="Season", by=bob)


def test_an_export_that_moves_to_another_list_asks_what_becomes_of_its_contacts(
    page: Page, alice: User, bob: User, sandbox: RunningSandbox, settings: Settings
) -> None:
    old = sandbox.create_list("Winter", scope="OnlyThisList", fields=[("Left", "Text")])
    new = sandbox.create_list("Spring", scope="OnlyThisList", fields=[("Left", "Text")])
    export = season(sandbox, settings, old, alice=alice, bob=bob)
    run_to_its_end(export)
    sign_in(page, bob, "/data/exports/")
    move_to(page, new)
    carry_on()
    page.get_by_role("link", name="is cleaning up “Winter”").press("Enter")
    expect(page.get_by_text("Contacts to remove")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "clearing")
    assert set(states(sandbox, old).values()) == {"Deleted"}


def move_to(page: Page, new: str) -> None:
    """Put the export on another list by keyboard, and have its contacts deleted from the former one."""
    page.get_by_role("link", name="Season", exact=True).click()
    pane = page.get_by_role("dialog", name="Edit export")
    pane.get_by_label("Campaign Monitor List ID").fill(new)
    pane.get_by_label("Campaign Monitor List ID").press("Tab")
    question = pane.get_by_role("group", name="What should happen to 5 contacts")
    expect(question).to_be_visible()
    expect(question.get_by_label("Keep on the list")).to_be_checked()
    question.get_by_label("Keep on the list").focus()
    page.keyboard.press("ArrowDown")
    expect(question.get_by_label("Set a field value")).to_be_checked()
    expect(pane.locator("#id_behind_field")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(question.get_by_label("Delete from the list")).to_be_checked()
    assert_accessible(page)
    screenshot(page, "leaving-a-list")
    pane.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.get_by_role("link", name="is cleaning up “Winter”")).to_be_visible()
    screenshot(page, "leaving-a-list-saved")


def test_an_export_that_is_removed_stays_until_its_contacts_are_off_the_list(
    page: Page, alice: User, bob: User, sandbox: RunningSandbox, settings: Settings
) -> None:
    winter = sandbox.create_list("Winter", scope="OnlyThisList", fields=[("Left", "Text")])
    export = season(sandbox, settings, winter, alice=alice, bob=bob)
    run_to_its_end(export)
    sign_in(page, bob, "/data/exports/")
    page.get_by_role("checkbox", name="Season").check()
    command(page, "Remove").click()
    dialog = page.get_by_role("alertdialog", name="Remove “Season”?")
    dialog.get_by_label("Set a field value").check()
    dialog.get_by_role("button", name="Remove").click()
    expect(dialog.get_by_text("Choose the field to set")).to_be_visible()
    dialog.get_by_label("Field", exact=True).select_option("[Left]")
    assert_accessible(page)
    screenshot(page, "removing-an-export")
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("will be removed when its list cleanup ends")).to_be_visible()
    assert Export.objects.get().is_being_removed
    page.goto(page.url.split("/data/")[0] + "/data/exports/")
    expect(page.get_by_text("Being removed")).to_be_visible()
    screenshot(page, "being-removed")
    carry_on()
    expect(page.get_by_role("cell", name="Removed")).to_be_visible()
    assert not Export.objects.exists()


def test_contacts_on_a_former_list_are_asked_about_later_by_keyboard(
    page: Page, alice: User, bob: User, sandbox: RunningSandbox, settings: Settings
) -> None:
    old = sandbox.create_list("Winter", scope="OnlyThisList", fields=[("Left", "Text")])
    export = season(sandbox, settings, old, alice=alice, bob=bob)
    run_to_its_end(export)
    Export.objects.update(list_id=sandbox.list_id)
    sign_in(page, bob, f"/data/exports/{export.pk}/runs/")
    expect(page.get_by_text("Winter: 5 contacts")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "earlier-lists")
    page.get_by_role("link", name="Set up list cleanup: Winter").press("Enter")
    dialog = page.get_by_role("alertdialog", name="Contacts on a former list")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Keep on the list").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(dialog.get_by_label("Delete from the list")).to_be_checked()
    assert_accessible(page)
    screenshot(page, "earlier-lists-asked")
    dialog.get_by_role("button", name="Confirm").press("Enter")
    expect(page).to_have_url(re.compile(r"/data/runs/\d+/$"))
    carry_on()
    assert set(states(sandbox, old).values()) == {"Deleted"}


def test_nothing_that_is_done_while_the_list_is_looked_up_is_lost(
    page: Page, alice: User, bob: User, sandbox: RunningSandbox, settings: Settings
) -> None:
    season(sandbox, settings, sandbox.list_id, alice=alice, bob=bob)
    spring = sandbox.create_list("Spring")
    sandbox.faults({"latency_ms": 1000})
    sign_in(page, bob, "/data/exports/")
    page.get_by_role("link", name="Season", exact=True).click()
    pane = page.get_by_role("dialog", name="Edit export")
    rows = pane.get_by_label("Profile attribute")
    expect(pane.locator("#list-details")).to_have_class(re.compile("htmx-request"))
    pane.get_by_role("button", name="Add attribute").dblclick()
    pane.get_by_label("Campaign Monitor List ID").fill(spring)
    pane.get_by_label("Campaign Monitor List ID").press("Tab")
    expect(pane.locator("#list-details")).to_contain_text("Spring")
    expect(pane.get_by_label("Destination list")).to_have_value(spring)
    expect(rows).to_have_count(2)
    expect(pane.locator("#list-details")).not_to_have_class(re.compile("htmx-request"))
    expect(rows).to_have_count(2)

"""The first export: set up, run, followed, and its people found in the sandbox."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from connections.models import Connection
from exports.models import Export, Run
from segments.models import Segment
from tests.functional.conftest import OpenPage, assert_accessible, screenshot, sign_in
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process
from tests.support.workers import worker_processes

__all__ = ["sandbox", "sandbox_process"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A run is still under way while its page is looked at.
STILL_SENDING = {"kind": "slow", "path": "/import", "seconds": 8, "times": 1}
COUNT = 2500


@pytest.fixture
def account(settings: Settings, sandbox: RunningSandbox) -> RunningSandbox:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    return sandbox


@pytest.fixture
def everyone(transactional_db: None) -> Segment:
    create_profiles(
        {"email": f"person.{n:04}@example.com", "first_name": f"Name {n}", "city": "Kraków"} for n in range(COUNT)
    )
    return exports.segment_of_everyone()


@pytest.fixture
def shared(transactional_db: None, alice: User) -> Connection:
    return exports.sandbox_connection(by=alice, name="Shop")


@pytest.fixture
def workers(account: RunningSandbox, tmp_path: Path) -> Iterator[None]:
    with worker_processes(tmp_path):
        yield


def fill_in(page: Page) -> None:
    """Fill in the pane of an export with a mouse."""
    page.get_by_label("Connection for export").select_option(label="Shop (sandbox)")
    page.get_by_label("Display name").fill("Everyone to the newsletter")
    page.get_by_label("Destination list").select_option(label="Newsletter")
    expect(page.locator("#list-details")).to_contain_text("Active subscribers")
    page.get_by_role("checkbox", name="Everyone").check()
    expect(page.locator("#segments-total")).to_contain_text("2,500 unique valid emails")
    page.get_by_role("button", name="Match by name").click()
    expect(page.locator("#map-field-0")).to_have_value("[City]")


@pytest.mark.processes
def test_a_contributor_sends_a_segment_and_sees_who_arrived(
    page: Page,
    open_page: OpenPage,
    bob: User,
    account: RunningSandbox,
    shared: Connection,
    everyone: Segment,
    workers: None,
) -> None:
    account.faults({"latency_ms": 700, "rules": [STILL_SENDING]})
    sign_in(page, bob, "/data/exports/")
    add_export(page)
    page.locator(".saved-notice").get_by_role("button", name="Run").click()
    follow_run(page)
    page.locator("#metric-delivered").click()
    expect(page.get_by_text("person.0000@example.com")).to_be_visible()
    assert_accessible(page)

    page.go_back()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="See the list in the sandbox").click()
    there = opened.value
    expect(there.get_by_text("person.0000@example.com")).to_be_visible()
    assert account.counts()["Active"] == COUNT
    assert set(account.received().values()) == {1}


def add_export(page: Page) -> None:
    """Add and save the first export in its pane."""
    expect(page.get_by_text("No exports yet")).to_be_visible()
    page.get_by_role("link", name="Add destination").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    fill_in(page)
    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_disabled()
    expect(page.locator("[data-missing]")).to_have_text("Required: Consent to track")
    page.get_by_role("radio", name="Unchanged").check()
    assert_accessible(page)
    screenshot(page, "export-pane")
    save.click()

    expect(page.get_by_text("Saved. Not run yet.")).to_be_visible()
    assert_accessible(page)


def follow_run(page: Page) -> None:
    """Follow the page of the run until it has ended."""
    page.wait_for_url(re.compile(r"/data/runs/\d+/$"))
    expect(page.get_by_text(re.compile(r"of 2,500 contacts"))).to_be_visible(timeout=30_000)
    screenshot(page, "run-under-way")
    expect(page.locator(".run-title .pill")).to_have_text("Successful", timeout=60_000)
    expect(page.locator("#metric-delivered")).to_have_text("2,500")
    assert_accessible(page)
    screenshot(page, "run-ended")


def test_the_list_follows_a_run_until_it_ends(
    page: Page, bob: User, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    from exports.run import pipeline

    exports.export_to(account, shared, everyone)
    sign_in(page, bob, "/data/exports/")
    page.locator(".check-round").nth(1).click()
    page.get_by_role("toolbar").get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Run 1 of “Newsletter” has started.")).to_be_visible()
    expect(page.locator("td .pill").first).to_have_text("Queued")
    run = Run.objects.get()
    page.locator(".check-round").nth(1).click()
    page.get_by_role("toolbar").get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Run 1 is already in progress, started by Bob Brown.")).to_be_visible()
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    expect(page.locator("td .pill").first).to_have_text("Successful")
    expect(page.locator(".counts")).to_contain_text("2,500 delivered")
    assert Run.objects.count() == 1


def test_a_run_is_canceled_after_a_question(
    page: Page, bob: User, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    from exports.actions import runs
    from exports.run import pipeline

    run = runs.start_run(exports.export_to(account, shared, everyone), by=bob)
    sign_in(page, bob, f"/data/runs/{run.pk}/")
    page.get_by_role("link", name="Cancel").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Contacts already sent stay sent.")
    assert_accessible(page)
    dialog.get_by_role("button", name="Cancel run").click()
    expect(page.locator(".run-title .pill")).to_have_text("Canceling")
    pipeline.run_slice(run.pk)
    expect(page.locator(".run-title .pill")).to_have_text("Canceled")
    expect(page.get_by_text("The run was canceled.")).to_be_visible()


def tab_to(page: Page, wanted: Locator, most: int = 60) -> None:
    """Press Tab until ``wanted`` has the focus."""
    for _press in range(most):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} cannot be reached by keyboard")


def test_it_is_set_up_by_keyboard_alone(
    page: Page, bob: User, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    sign_in(page, bob, "/data/exports/")
    tab_to(page, page.get_by_role("toolbar").get_by_role("link", name="Add destination"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Connection for export")).to_be_focused()  # the only one is chosen already
    expect(page.get_by_label("Destination list").locator("option")).to_have_count(2)
    tab_to(page, page.get_by_label("Display name"))
    page.keyboard.type("Keyboard")
    tab_to(page, page.get_by_label("Campaign Monitor List ID"))
    page.keyboard.type(account.list_id)
    page.keyboard.press("Tab")
    expect(page.locator("#list-details")).to_contain_text("Active subscribers")
    tab_to(page, page.get_by_role("checkbox", name="Everyone"))
    page.keyboard.press("Space")
    expect(page.locator("#segments-total")).to_contain_text("2,500")
    tab_to(page, page.get_by_role("radio", name=re.compile("^Yes ")))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name=re.compile("^No No contacts"))).to_be_checked()
    tab_to(page, page.get_by_role("button", name="Save", exact=True))
    page.keyboard.press("Enter")
    run = page.locator(".saved-notice").get_by_role("button", name="Run")
    expect(run).to_be_visible()
    tab_to(page, run)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/data/runs/\d+/$"))
    export = Export.objects.get()
    assert (export.name, export.answers) == ("Keyboard", {"consent_to_track": "no"})
    assert export.runs.count() == 1


def test_nothing_typed_is_lost_when_the_pane_is_left_by_mistake(
    page: Page, bob: User, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    sign_in(page, bob, "/data/exports/")
    page.get_by_role("toolbar").get_by_role("link", name="Add destination").click()
    expect(page.get_by_label("Destination list").locator("option")).to_have_count(2)
    page.keyboard.press("Escape")  # nothing was typed: it closes unasked
    expect(page.locator("#pane")).to_be_empty()
    page.get_by_role("toolbar").get_by_role("link", name="Add destination").click()
    expect(page.get_by_label("Destination list").locator("option")).to_have_count(2)
    page.get_by_label("Display name").fill("Half done")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keep editing").click()
    expect(page.get_by_label("Display name")).to_have_value("Half done")


def test_every_page_fits_a_phone_and_passes_axe_in_both_colours(
    open_page: OpenPage, bob: User, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    from exports.actions import runs
    from exports.run import pipeline

    export = exports.export_to(account, shared, everyone)
    run = runs.start_run(export, by=bob)
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    phone = open_page(viewport={"width": 390, "height": 844})
    sign_in(phone, bob, "/data/exports/")
    addresses = [
        "/data/exports/",
        "/data/exports/add/",
        f"/data/exports/{export.pk}/",
        f"/data/exports/{export.pk}/remove/",
        f"/data/exports/{export.pk}/runs/",
        f"/data/runs/{run.pk}/",
        f"/data/runs/{run.pk}/contacts/?kind=delivered",
        f"/data/runs/{run.pk}/contacts/?kind=members",
        f"/data/runs/{run.pk}/batches/",
        f"/data/runs/{run.pk}/settings/",
    ]
    for place, address in enumerate(addresses):
        phone.emulate_media(color_scheme="dark" if place % 2 else "light")
        phone.goto(address)
        phone.wait_for_load_state("networkidle")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, address
        assert_accessible(phone)

"""Two long walks: everything that is said of Admin > Connections, and every line of the table of roles."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections import vault
from connections.models import Connection
from exports.models import Export, OutcomeKind, Run, Stage, Trigger
from exports.removal.removal_plan import RemovalGuard
from exports.state.status import Reason
from segments.models import Segment
from tests.conftest import PASSWORD
from tests.functional.conftest import OpenPage, sign_in
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

CONNECTIONS, EXPORTS = "/admin/connections/", "/data/exports/"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def everyone(transactional_db: None) -> Segment:
    create_profiles([{"email": "ann@example.com", "first_name": "Ann"}])
    return exports.segment_of_everyone()


@pytest.fixture
def account(sandbox: RunningSandbox, settings: Settings) -> RunningSandbox:
    """The sandbox plays the real service; the organisation has a name and a privacy statement."""
    settings.CAMPAIGN_MONITOR_API_URL, settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url, ""
    settings.ORGANISATION_NAME = "Example & Sons"
    settings.PRIVACY_STATEMENT_URL = "https://example.com/privacy"
    return sandbox


def commands(page: Page) -> Locator:
    return page.get_by_role("toolbar", name="Commands")


def pane(page: Page) -> Locator:
    return page.get_by_role("dialog")


def test_all_that_is_said_of_connections(
    open_page: OpenPage,
    account: RunningSandbox,
    alice: User,
    bob: User,
    everyone: Segment,
    tmp_path: Path,
    settings: Settings,
) -> None:
    settings.CREDENTIAL_DIR = str(tmp_path)
    hers, his = open_page(), open_page()
    sign_in(hers, alice, CONNECTIONS)
    sign_in(his, bob, EXPORTS)
    _set_up(hers, account, tmp_path)
    for name in ("Autumn letter", "Birthday wishes"):  # one connection serves many exports
        exports.export_to(account, Connection.objects.get(), everyone, name=name, by=alice)
    _nobody_else_comes_near(his)
    _share(hers, contributors=True)
    _he_sees_name_and_type_and_manages_every_export(his)
    _share(hers, contributors=False)
    _what_he_may_do_has_changed_at_once(his)
    _remove(hers)
    _a_detached_export_comes_back(hers, account, alice)


def _set_up(page: Page, account: RunningSandbox, folder: Path) -> None:
    page.get_by_role("link", name="Discover").click()
    page.get_by_role("link", name="Set up Campaign Monitor").click()
    form = page.get_by_role("dialog", name="Set up Campaign Monitor connection")
    _agree(form)
    _authenticate(form, account, folder)
    form.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The connection “Winter mail” is saved.")).to_be_visible()
    row = page.get_by_role("row", name="Winter mail")
    for words in ("Campaign Monitor", "Ready", "Alice Adams", "Administrators"):
        expect(row).to_contain_text(words)
    assert vault.stored(Connection.objects.get()) == {"api_key": f"file:{folder}/campaign_monitor"}
    _sort(page)


def _agree(form: Locator) -> None:
    connect = form.get_by_role("button", name="Connect", exact=True)
    expect(form.get_by_text("Choose a name that describes the purpose and destination.")).to_be_visible()
    expect(form.get_by_role("group", name="Choose who can use this connection")).to_be_visible()
    expect(form.get_by_label("Administrators")).to_be_checked()
    expect(form.get_by_label("Contributors")).not_to_be_checked()
    for words in (
        "personal data",
        "outside the compliance boundary",
        "on your instruction",
        "have agreed",
        "remove",
    ):
        expect(form.locator("#consent-words")).to_contain_text(words)
    expect(form.locator("#consent-words")).to_contain_text("Example & Sons")
    expect(form.locator("#consent-words").get_by_role("link")).to_have_attribute(
        "href", "https://example.com/privacy"
    )
    expect(connect).to_be_disabled()
    form.get_by_label("Display name").fill("Winter mail")
    expect(connect).to_be_disabled()
    form.get_by_label("I agree").check()
    connect.click()


def _authenticate(form: Locator, account: RunningSandbox, folder: Path) -> None:
    # A secret from a vault: named, not typed in.
    (folder / "campaign_monitor").write_text(account.api_key, encoding="ascii")
    form.get_by_label("API key").fill(f"file:{folder}/campaign_monitor")
    expect(form.get_by_role("button", name="Add yourself as export user")).to_be_disabled()
    form.get_by_role("button", name="Authenticate with Campaign Monitor").click()
    expect(form.get_by_text("Connected to Campaign Monitor")).to_be_visible()
    expect(form.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    form.get_by_label("Your password").fill(PASSWORD)
    form.get_by_role("button", name="Add yourself as export user").click()
    expect(form.get_by_text("Connected to Segment Exports")).to_be_visible()


def _sort(page: Page) -> None:
    for column, direction in (
        ("Display name", "descending"),  # it was by name already
        ("Type", "ascending"),
        ("Created", "ascending"),
        ("Who has access", "ascending"),
    ):
        page.get_by_role("columnheader", name=column).get_by_role("link").click()
        expect(page.get_by_role("columnheader", name=column)).to_have_attribute("aria-sort", direction)


def _nobody_else_comes_near(page: Page) -> None:
    expect(page.get_by_role("navigation").get_by_text("Connections")).to_have_count(0)
    page.goto(EXPORTS)
    expect(page.get_by_role("row", name="Autumn letter")).to_contain_text("View only")
    page.get_by_role("link", name="Autumn letter").click()
    expect(pane(page).get_by_text("You can view this export.")).to_be_visible()
    expect(pane(page).get_by_role("button", name="Save", exact=True)).to_have_count(0)
    page.goto(f"{EXPORTS}add/")
    expect(page.get_by_text("Ask an administrator").first).to_be_visible()


def _share(page: Page, *, contributors: bool) -> None:
    page.goto(CONNECTIONS)
    page.get_by_label("Select Winter mail").check()
    commands(page).get_by_text("Edit").locator("visible=true").click()
    pane(page).get_by_label("Contributors").set_checked(contributors)
    pane(page).get_by_role("button", name="Save", exact=True).click()
    shared = "Administrators, Contributors" if contributors else re.compile("Administrators(?!, )")
    expect(page.get_by_role("row", name="Winter mail")).to_contain_text(shared)


def _he_sees_name_and_type_and_manages_every_export(page: Page) -> None:
    page.goto(f"{EXPORTS}add/")
    offered = page.get_by_label("Connection for export")
    expect(offered.locator("optgroup")).to_have_attribute("label", "Campaign Monitor")
    expect(offered.locator("optgroup option")).to_have_text("Winter mail")
    page.goto(EXPORTS)
    for name in ("Autumn letter", "Birthday wishes"):
        expect(page.get_by_role("row", name=name)).to_contain_text("Can edit")
    page.get_by_role("link", name="Autumn letter").click()
    pane(page).get_by_label("Display name").fill("Autumn news")
    pane(page).get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Autumn news")).to_be_visible()


def _what_he_may_do_has_changed_at_once(page: Page) -> None:
    page.goto(EXPORTS)
    for name in ("Autumn news", "Birthday wishes"):
        expect(page.get_by_role("row", name=name)).to_contain_text("View only")
    page.get_by_label("Select Autumn news").check()
    expect(commands(page).get_by_text("View").locator("visible=true")).to_be_visible()
    expect(commands(page).get_by_text("Run", exact=True).locator("visible=true")).to_have_count(0)


def _remove(page: Page) -> None:
    page.goto(CONNECTIONS)
    page.get_by_label("Select Winter mail").check()
    commands(page).get_by_text("Remove").locator("visible=true").click()
    dialog = page.get_by_role("alertdialog", name="Remove “Winter mail”?")
    dialog.get_by_role("group", name="Autumn news").get_by_label("Detach connection").check()
    dialog.get_by_role("group", name="Birthday wishes").get_by_label("Remove").check()
    dialog.get_by_role("button", name="Remove connection").click()
    expect(page.get_by_text("The connection “Winter mail” is removed.")).to_be_visible()
    page.goto(EXPORTS)
    expect(page.get_by_role("row", name="Autumn news")).to_contain_text("No connection")
    expect(page.get_by_text("Birthday wishes")).to_have_count(0)


def _a_detached_export_comes_back(page: Page, account: RunningSandbox, alice: User) -> None:
    other = exports.sandbox_connection(by=alice, name="Summer mail")
    Connection.objects.filter(pk=other.pk).update(environment="live")
    page.get_by_role("link", name="Autumn news").click()
    pane(page).get_by_label("Connection for export").select_option(label="Summer mail")
    pane(page).get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Autumn news")).to_contain_text("Summer mail")
    assert Export.objects.get().list_id == account.list_id


# -- the table of roles ------------------------------------------------------------------------------------------


def test_every_line_of_the_table_of_roles(
    open_page: OpenPage, alice: User, bob: User, charlie: User, everyone: Segment
) -> None:
    connection = exports.sandbox_connection(by=alice, name="Shared")
    _with_a_guarded_run(
        exports.export_to(None, connection, everyone, list_id="a" * 32, name="On shared", by=alice)
    )
    private = exports.sandbox_connection(by=alice, name="Board only", shared=False)
    exports.export_to(None, private, everyone, list_id="b" * 32, name="On private", by=alice)
    lines: list[Callable[[Page, str], None]] = [
        _exports,
        _segments_and_data_sources,
        _personal_data,
        _a_persons_rights,
        _a_guarded_run,
        _administration,
        _the_environment,
    ]
    for user in (charlie, bob, alice):
        page = open_page(viewport={"width": 2400, "height": 900})  # so that every command fits the bar
        sign_in(page, user)
        for line in lines:
            line(page, user.role)


def _has(page: Page, there: bool, *names: str) -> None:
    """Whether the commands of these names can be seen."""
    for name in names:
        expect(commands(page).get_by_text(name, exact=True).locator("visible=true")).to_have_count(int(there))


def _exports(page: Page, role: str) -> None:
    page.goto(EXPORTS)
    _has(page, role != "viewer", "Add destination")
    for name, may_edit in (("On shared", role != "viewer"), ("On private", role == "administrator")):
        expect(page.get_by_role("row", name=name)).to_contain_text("Can edit" if may_edit else "View only")
        page.get_by_label(f"Select {name}").check()
        _has(page, may_edit, "Edit", "Run", "Create duplicate", "Detach connection", "Remove")
        _has(page, not may_edit, "View")
        page.get_by_label(f"Select {name}").uncheck()
    page.goto("/admin/system/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def _segments_and_data_sources(page: Page, role: str) -> None:
    page.goto("/segments/")
    expect(page.get_by_role("row", name="Everyone")).to_be_visible()
    _has(page, role != "viewer", "New segment")
    page.goto("/data/sources/")
    expect(page.get_by_role("row", name="Select Customers")).to_be_visible()
    _has(page, role != "viewer", "Import file")
    page.get_by_label("Select Customers").check()
    _has(page, role != "viewer", "Import again", "Remove")


def _personal_data(page: Page, role: str) -> None:
    page.goto("/customers/")
    expect(page.get_by_text("ann@example.com")).to_have_count(0 if role == "viewer" else 1)


def _a_persons_rights(page: Page, role: str) -> None:
    page.locator("tbody tr a").first.click()
    expect(page.get_by_role("heading", name="Attributes")).to_be_visible()
    for action in ("Download personal data", "Erase customer"):
        expect(page.get_by_text(action, exact=True)).to_have_count(int(role == "administrator"))


def _administration(page: Page, role: str) -> None:
    for name in ("Connections", "Permissions", "Audit"):
        link = page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
        expect(link).to_have_count(int(role == "administrator"))
    expect(page.get_by_role("navigation").get_by_role("link", name="System", exact=True)).to_have_count(1)


def _with_a_guarded_run(export: Export) -> None:
    """Make a run that has rejected a contact and holds removals until they are confirmed."""
    run = Run.objects.create(
        export=export,
        number=1,
        trigger=Trigger.MANUAL,
        status=JobStatus.WARNINGS,
        stage=Stage.COMPLETE,
        reason=Reason.REMOVALS_HELD,
        finished_at=clock.now(),
        members=1,
        planned=1,
        rejected=1,
        removals_held=11,
        removal_guard=RemovalGuard.MANY,
    )
    run.outcomes.create(kind=OutcomeKind.REJECTED, email="ann@example.com", code="1", message="Not an address.")


def _a_guarded_run(page: Page, role: str) -> None:
    run = Run.objects.get()
    page.goto(f"/data/runs/{run.pk}/")
    expect(page.get_by_text("11 removals await confirmation").first).to_be_visible()
    expect(page.get_by_role("link", name="Confirm removals")).to_have_count(int(role != "viewer"))
    page.goto(f"/data/runs/{run.pk}/contacts/?kind=rejected")
    expect(page.get_by_text("ann@example.com")).to_have_count(int(role != "viewer"))


def _the_environment(page: Page, role: str) -> None:
    is_administrator = int(role == "administrator")
    page.goto("/admin/system/schedule/")
    expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(is_administrator)
    page.goto("/admin/system/general/")
    expect(page.get_by_role("button", name="Save settings")).to_have_count(is_administrator)

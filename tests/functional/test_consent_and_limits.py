"""Consent, limits, stepping in, removing and detaching, and files: walked through in a browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from connections.models import Connection, Consent
from exports.models import Export
from tests.conftest import PASSWORD
from tests.functional.conftest import PHONE, OpenPage, assert_accessible, command, screenshot, sign_in
from tests.support import exports
from tests.support.connections import make_connection
from tests.support.profiles import create_profiles

LIST = "/admin/connections/"
EXPORTS = "/data/exports/"
pytestmark = pytest.mark.browser


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files go."""
    monkeypatch.setenv("FILE_DESTINATION_DIR", str(tmp_path / "files"))
    return tmp_path / "files"


def two_exports(by: User, connection: Connection) -> None:
    create_profiles([{"email": "a@example.com", "city": "Turku", "newsletter": True}])
    segment = exports.segment_of_everyone()
    for key, name in (("a", "Autumn letter"), ("b", "Birthday wishes")):
        exports.export_to(None, connection, segment, list_id=key * 32, name=name, by=by)


def commands(page: Page) -> Locator:
    return page.get_by_role("toolbar", name="Commands")


def test_consent_is_read_in_another_language_and_shown_later(page: Page, alice: User) -> None:
    make_connection(alice, "Winter mail", consent=False)
    sign_in(page, alice, LIST)
    expect(page.get_by_role("row", name="Winter mail")).to_contain_text("Consent needed")
    page.get_by_role("link", name="Winter mail").click()
    page.get_by_label("Language of the text").select_option("pl")
    expect(page.get_by_text("na przykład dane osobowe")).to_be_visible()
    page.get_by_label("I agree").check()
    assert_accessible(page)
    screenshot(page, "consent-polish")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Winter mail")).to_contain_text("Ready")
    assert Consent.objects.get().language == "pl"
    page.get_by_role("link", name="Winter mail").click()
    expect(page.get_by_text("Alice Adams agreed")).to_be_visible()
    page.get_by_text("Show the text").click()
    expect(page.get_by_text("na przykład dane osobowe")).to_be_visible()
    screenshot(page, "consent-shown-later")


def test_limits_are_set_and_hold_for_a_contributor(open_page: OpenPage, alice: User, bob: User) -> None:
    connection = make_connection(alice, "Winter mail", allowed_roles=[Role.CONTRIBUTOR])
    two_exports(bob, connection)
    page = open_page()
    sign_in(page, alice, LIST)
    page.get_by_role("link", name="Winter mail").click()
    page.get_by_text("Limits", exact=True).click()
    page.get_by_role("group", name="Blocked attributes").first.get_by_label("city").check()
    page.get_by_label("Required consent attribute").select_option("newsletter")
    page.get_by_label("Contact limit in your contract").fill("5000")
    another = page.locator("[name=limits-list_ids]")
    another.fill("0" * 32)
    with page.expect_request(lambda request: "step=add_list" in (request.post_data or "")):
        another.press("Enter")  # adds, which is tried at the account; nothing is saved
    expect(page.locator("#limited-lists .field__error")).to_be_visible()
    another.fill("")
    page.get_by_label("Contact limit in your contract").scroll_into_view_if_needed()
    assert_accessible(page)
    screenshot(page, "limits")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The connection “Winter mail” is saved.")).to_be_visible()
    assert Connection.objects.get().limited.withheld == ("city",)

    theirs = open_page()
    sign_in(theirs, bob, EXPORTS)
    theirs.get_by_role("link", name="Autumn letter").click()
    theirs.get_by_role("button", name="Add attribute").click()
    options = theirs.get_by_label("Profile attribute").locator("option")
    expect(options.filter(has_text="newsletter")).to_have_count(1)
    expect(options.filter(has_text="city")).to_have_count(0)


def test_several_exports_are_detached_and_one_from_its_menu(page: Page, alice: User) -> None:
    two_exports(alice, make_connection(alice, "Winter mail"))
    sign_in(page, alice, EXPORTS)
    row = page.get_by_role("row", name="Autumn letter")
    row.hover()
    row.get_by_label("More actions for Autumn letter").click()
    page.get_by_role("button", name="Detach connection").last.click()
    dialog = page.get_by_role("alertdialog", name="Detach “Autumn letter” from its connection?")
    assert_accessible(page)
    dialog.get_by_role("button", name="Detach connection").click()
    expect(page.get_by_role("row", name="Autumn letter")).to_contain_text("No connection")
    page.get_by_label("Select Birthday wishes").check()
    expect(command(page, "Detach connection")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Select Autumn letter").check()
    remove = command(page, "Remove")
    expect(commands(page).get_by_text("Detach connection").locator("visible=true")).to_have_count(0)  # not of one
    remove.click()
    page.get_by_role("alertdialog", name="Remove 2 exports?").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("2 exports are removed.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_removing_a_connection_asks_about_each_export(open_page: OpenPage, alice: User, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    two_exports(alice, make_connection(alice, "Winter mail"))
    sign_in(page, alice, LIST)
    page.get_by_label("Select Winter mail").check()
    commands(page).get_by_text("Remove").click()
    dialog = page.get_by_role("alertdialog", name="Remove “Winter mail”?")
    remove = dialog.get_by_role("button", name="Remove connection")
    expect(remove).to_be_disabled()
    dialog.get_by_role("group", name="Autumn letter").get_by_label("Detach connection").check()
    expect(remove).to_be_disabled()
    dialog.get_by_role("group", name="Birthday wishes").get_by_label("Remove").check()
    expect(remove).to_be_enabled()
    assert_accessible(page)
    screenshot(page, f"remove-connection-{scheme}")
    remove.click()
    expect(page.get_by_text("The connection “Winter mail” is removed.")).to_be_visible()
    export = Export.objects.get()
    assert (export.name, export.connection) == ("Autumn letter", None)


def test_an_administrator_steps_in_for_another(page: Page, alice: User) -> None:
    erin = User.objects.create_user("erin", PASSWORD, role=Role.ADMINISTRATOR)
    make_connection(erin, "Winter mail")
    sign_in(page, alice, "/admin/permissions/")
    page.get_by_label("Select erin").check()
    commands(page).get_by_text("Deactivate").click()
    dialog = page.get_by_role("alertdialog", name="Deactivate “erin”?")
    dialog.get_by_label("Winter mail").check()
    dialog.get_by_label("Your password").fill(PASSWORD)
    assert_accessible(page)
    screenshot(page, "step-in")
    dialog.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("“erin” is deactivated.")).to_be_visible()
    assert Connection.objects.get().export_user == alice


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_files_are_set_up_from_their_tile(open_page: OpenPage, alice: User, files: Path, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    sign_in(page, alice, LIST)
    page.get_by_role("link", name="Discover").click()
    assert_accessible(page)
    screenshot(page, f"discover-{scheme}")
    page.get_by_role("link", name="Set up File").click()
    expect(page.get_by_label("Display name")).to_be_focused()
    page.get_by_label("Display name").fill("Warehouse")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_label("Columns").fill("first_name, city")
    page.get_by_role("button", name="Check the folder").click()
    expect(page.get_by_text("Connected to File")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Your password").press("Enter")
    expect(page.get_by_text("Alice Adams is the export user")).to_be_visible()
    screenshot(page, f"file-pane-{scheme}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Warehouse")).to_contain_text("Ready")


@pytest.mark.parametrize("address", ["/admin/connections/discover/", "/admin/connections/1/remove/"])
def test_it_fits_a_phone(open_page: OpenPage, alice: User, address: str) -> None:
    connection = make_connection(alice, "A connection with quite a long display name, as people like them")
    two_exports(alice, connection)
    page = open_page(viewport=PHONE, color_scheme="dark")
    sign_in(page, alice, address.replace("/1/", f"/{connection.pk}/"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
    screenshot(page, f"phone-{'discover' if 'discover' in address else 'remove'}")

"""An administrator answers a person in a real browser: where they were sent, and that they be erased."""

from playwright.sync_api import Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from exports.actions import runs
from exports.models import PersonRemoval
from exports.privacy import list_removal
from exports.run import pipeline
from segments.models import Erasure
from tests.functional.conftest import assert_accessible, screenshot, sign_in
from tests.integration.privacy.conftest import EMAIL, PEOPLE
from tests.support import exports
from tests.support.profiles import Profile, create_profiles, get_profile
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]


def sent_to_the_newsletter(sandbox: RunningSandbox, alice: User) -> Profile:
    """Send Zofia to the list; another profile has her address."""
    create_profiles(PEOPLE)
    create_profiles([{"id": "X-9", "email": EMAIL, "first_name": "Z."}], source="Shop")
    connection = exports.sandbox_connection(sandbox, by=alice, name="Campaign Monitor sandbox")
    export = exports.export_to(sandbox, connection, exports.segment_of_everyone(), by=alice)
    run = runs.start_run(export, by=alice)
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    return get_profile("Z-1")


def test_a_person_is_erased_and_removed_from_the_list(
    page: Page, phone: Page, alice: User, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    zofia = sent_to_the_newsletter(sandbox, alice)
    sign_in(page, alice, f"/customers/{zofia.id}/")
    expect(page.get_by_role("heading", name="Sent to")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "person")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download personal data").click()
    assert download.value.suggested_filename == f"person-{zofia.id}.json"
    erase(page)
    list_removal.remove_from_list(PersonRemoval.objects.get().pk)
    expect(page.get_by_text("Removed from the list.")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "person-erased")
    assert [each["EmailAddress"].lower() for each in sandbox.people(state="deleted")] == [EMAIL]
    look_up(page)
    see_on_a_phone(phone, alice)


def erase(page: Page) -> None:
    """Erase Zofia from her page; a wrong key is refused first."""
    page.get_by_role("link", name="Erase").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_text("1 other profile with the same email")).to_be_visible()
    expect(dialog.get_by_label("Newsletter")).to_be_checked()
    expect(dialog.get_by_text("state Deleted")).to_be_visible()
    dialog.get_by_label("Type the key").fill("Z-2")
    dialog.get_by_role("button", name="Erase permanently").click()
    expect(dialog.get_by_text("The key does not match.")).to_be_visible()
    # Only now: axe leaves marks on what it looks at, and htmx would carry them over.
    assert_accessible(page)
    screenshot(page, "person-erase")
    dialog.get_by_label("Type the key").fill("Z-1")
    dialog.get_by_role("button", name="Erase permanently").click()
    expect(page.get_by_role("heading", name="Erasure #")).to_be_visible()
    expect(page.get_by_text("Queued")).to_be_visible()


def look_up(page: Page) -> None:
    """Look the erased address up."""
    page.get_by_role("link", name="Erased customers").click()
    page.get_by_label("Email address").fill(EMAIL)
    page.get_by_role("button", name="Check email").click()
    expect(page.get_by_text(f"{EMAIL} was erased")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "person-erasures")


def see_on_a_phone(phone: Page, alice: User) -> None:
    """Open the pages of a person and of an erasure on a phone."""
    other = get_profile("A-2")
    sign_in(phone, alice, f"/customers/{other.id}/")
    screenshot(phone, "person-phone")
    phone.goto(f"/customers/{other.id}/erase/")
    expect(phone.get_by_role("button", name="Erase permanently")).to_be_visible()
    screenshot(phone, "person-erase-phone")
    phone.goto(f"/customers/erased/{Erasure.objects.get().pk}/")
    screenshot(phone, "person-erased-phone")

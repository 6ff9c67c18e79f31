"""Restoring the subscribers that a run removed, in a browser."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from exports.models import Removal, Run
from tests.functional.conftest import assert_accessible, screenshot, sign_in
from tests.functional.test_list_cleanup import carry_on
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.members import CROWD, crowd_of, leave, states
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.browser


def test_removed_subscribers_are_restored(
    page: Page, alice: User, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    crowd, list_id = crowd_of(CROWD), sandbox.create_list("Shop", scope="OnlyThisList")
    connection = exports.sandbox_connection(sandbox, by=alice)
    export = exports.export_to(sandbox, connection, crowd, list_id=list_id, name="Shop", by=alice)
    export.removal = Removal.DELETE
    export.save()
    run_to_its_end(export)
    leave(crowd, *CROWD[:2])
    removing = run_to_its_end(export)

    sign_in(page, alice, f"/data/runs/{removing.pk}/")
    page.get_by_role("link", name="Restore removed subscribers").press("Enter")
    dialog = page.get_by_role("alertdialog", name="Restore removed subscribers")
    expect(dialog.get_by_text("2 subscribers will be restored.")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "restore-removed")
    dialog.get_by_role("button", name="Restore subscribers").dblclick()
    expect(page.get_by_text("This run restores subscribers")).to_be_visible()
    carry_on()
    expect(page.get_by_text("Successful").first).to_be_visible()
    screenshot(page, "restored")
    assert Run.objects.filter(options__has_key="restores").count() == 1
    assert set(states(sandbox, list_id).values()) == {"Active"}

"""The panes that change the type of an attribute and merge it, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from segments.attribute_changes import job
from segments.models import AttributeChange
from tests.functional.conftest import assert_accessible, command, screenshot, sign_in
from tests.support.attribute_changes import import_file, text_plan, values

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/data/attributes/"


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, db: None) -> None:
    shop = "id,born\n1,29.02.2024\n2,1.3.2024\n3,soon\n"
    import_file(tmp_path / "a.csv", shop, source="Shop", plans=text_plan("born"))
    import_file(tmp_path / "b.csv", "id,birthday\n9,2000-01-01\n", source="CRM")


def open_pane(page: Page, name: str, name_of_command: str) -> None:
    """Select an attribute of the list, and choose a command."""
    page.get_by_label(f"Select {name}", exact=True).check()
    command(page, name_of_command).click()


def test_a_type_is_chosen_and_the_page_follows_the_change(page: Page, bob: User) -> None:
    sign_in(page, bob, LIST)
    open_pane(page, "born", "Change type")
    page.locator("#id_type").select_option("date")
    expect(page.get_by_text("2 of 3 values fit.")).to_be_visible()
    expect(page.locator("#id_type")).to_be_focused()
    expect(page.get_by_label("Date format")).to_have_value("%d.%m.%Y")
    assert_accessible(page)
    screenshot(page, "change-type")
    page.get_by_label("Date format").select_option("%m/%d/%Y")
    page.locator(".pane__foot").get_by_role("button", name="Change type").click()
    expect(page.get_by_text("0 of 3 values fit.")).to_be_visible()  # it is previewed first
    page.get_by_label("Date format").select_option("%d.%m.%Y")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("2 of 3 values fit.")).to_be_visible()
    page.locator(".pane__foot").get_by_role("button", name="Change type").click()
    expect(page.get_by_text("The type of “born” is being changed to Date.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Waiting for a worker")).to_be_visible()
    screenshot(page, "attribute-change")
    assert job.run_change(AttributeChange.objects.get().pk) is not None
    expect(page.get_by_role("row").filter(has_text="born")).to_contain_text("2024-02-29")
    expect(page.get_by_text("is being changed to Date")).to_have_count(0)


def test_two_attributes_are_merged_on_a_phone(phone: Page, bob: User) -> None:
    sign_in(phone, bob, LIST)
    phone.emulate_media(color_scheme="dark")
    open_pane(phone, "born", "Merge")
    phone.get_by_label("Merge into").select_option(label="birthday (Date)")
    expect(phone.get_by_text("2 profiles get a value.")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert_accessible(phone)
    phone.locator(".pane__foot").get_by_role("button", name="Merge").click()
    expect(phone.get_by_text("“born” is being merged into “birthday”. Until then")).to_be_visible()
    screenshot(phone, "attribute-merge-phone")
    assert job.run_change(AttributeChange.objects.get().pk) is not None
    expect(phone.get_by_label("Select born", exact=True)).to_have_count(0)
    assert values("birthday") == ["2024-02-29", "2024-03-01", None, "2000-01-01"]

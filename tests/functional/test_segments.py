"""Customers come in by a file, and a segment of them is built by clicking."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from segments import refresh_job
from segments.models import ImportJob, Segment, SegmentRefresh
from segments.sources import import_job
from tests.functional.conftest import assert_accessible, screenshot, sign_in
from tests.support.people_csv import write_people_csv
from tests.support.profiles import create_profiles

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Settings) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


def bring_in(page: Page, path: Path) -> None:
    """The two steps of an upload; the worker's part is done here."""
    page.get_by_role("link", name="Import file").first.click()
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("First rows")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Data source").fill("Web shop")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    import_job.run_import(ImportJob.objects.get().pk)


def test_a_contributor_brings_people_in_and_builds_a_segment(page: Page, bob: User, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people_csv(path, 2_000)
    path.write_text(path.read_text(encoding="utf-8") + "broken\n", encoding="utf-8")
    sign_in(page, bob, "/data/sources/")
    bring_in(page, path)
    expect(page.get_by_text("Completed with warnings")).to_be_visible()
    expect(page.get_by_role("cell", name="Too few columns: 1 instead of 10.")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "import")

    page.get_by_role("link", name="Customers", exact=True).click()
    page.get_by_role("searchbox").fill("virtanen turku")
    expect(page.get_by_text(" found")).to_be_visible()
    assert_accessible(page)

    page.get_by_role("link", name="Segments", exact=True).click()
    page.get_by_role("link", name="New segment").first.click()
    build(page)
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("heading", name="Finnish readers")).to_be_visible()
    refresh_job.run_refresh(SegmentRefresh.objects.get().pk)
    expect(page.get_by_text("Successful").first).to_be_visible()
    segment = Segment.objects.get()
    expect(page.locator("#metric-members")).to_have_text(str(segment.member_count))
    assert segment.member_count > 0
    assert_accessible(page)
    screenshot(page, "segment")


def drawn(page: Page, control: str) -> Locator:
    """A control that htmx has drawn; for a moment after that it does not listen yet, and only a robot is quick
    enough to notice."""
    expect(page.locator(control)).to_be_visible()
    expect(page.locator(".htmx-added, .htmx-settling, .htmx-swapping")).to_have_count(0)
    return page.locator(control)


def build(page: Page) -> None:
    """“newsletter is yes and (country is “finland” or city is any of Kraków)”, by clicking."""
    page.get_by_label("Name").fill("Finnish readers")
    drawn(page, "#attribute-0").select_option("newsletter")
    expect(page.locator("#operator-0")).to_have_value("is_yes")
    page.get_by_role("button", name="Add group").click()
    drawn(page, "#attribute-1-0").select_option("country")
    drawn(page, "#value-1-0").fill("finland")
    expect(page.locator("#rules-sentence")).to_contain_text("country is “finland” (any case)")
    page.locator("#add-to-1").click()
    drawn(page, "#attribute-1-1").select_option("city")
    drawn(page, "#operator-1-1").select_option("any_of")
    expect(page.get_by_label("Kraków")).to_be_visible()
    drawn(page, "#operator-1-1")
    page.get_by_label("Kraków").check()
    expect(page.locator("#value-1-0")).to_have_value("finland")
    expect(page.locator("#rules-sentence")).to_contain_text("matching customers")
    expect(page.locator("#count-1-1")).to_have_text(re.compile(r"[0-9]"))
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Kraków")).not_to_be_checked()
    page.get_by_role("button", name="Redo").click()
    expect(page.get_by_label("Kraków")).to_be_checked()
    assert_accessible(page)
    screenshot(page, "builder")


def counted(page: Page) -> None:
    """Wait until no part of the builder has to ask the server any more."""
    expect(page.locator("#rules-sentence")).to_contain_text("matching customer")
    expect(page.locator("#rules-sentence [hx-trigger^=load]")).to_have_count(0)


def in_order(page: Page) -> list[str | None]:
    """Return the chosen attributes from top to bottom, each with the path of its condition."""
    return [
        f"{row.get_attribute('data-rule')} {row.locator('.rule-row__attribute').input_value()}"
        for row in page.locator("#rules .rule-row").all()
    ]


def add_conditions(page: Page) -> None:
    """“newsletter is yes and points = and (city …)”, in a new segment."""
    page.get_by_role("link", name="New segment").first.click()
    drawn(page, "#attribute-0").select_option("newsletter")
    drawn(page, "#operator-0")
    page.locator("#add-to-root").click()
    drawn(page, "#attribute-1").select_option("points")
    drawn(page, "#operator-1")
    page.get_by_role("button", name="Add group").click()
    drawn(page, "#attribute-2-0").select_option("city")
    drawn(page, "#operator-2-0")
    assert in_order(page) == ["0 newsletter", "1 points", "2.0 city"]


def test_rules_are_moved_by_keyboard_and_by_drag(page: Page, bob: User) -> None:
    create_profiles([{"newsletter": True, "points": 5, "city": "Turku"}])
    page.set_viewport_size({"width": 1280, "height": 1200})  # all rules are in sight of the mouse
    sign_in(page, bob, "/segments/")
    add_conditions(page)
    page.locator("#handle-0").press("ArrowDown")
    expect(drawn(page, "#handle-1")).to_be_focused()
    expect(page.locator("[data-rules-status]")).to_have_text("Moved to position 2 of 3.")
    assert in_order(page) == ["0 points", "1 newsletter", "2.0 city"]
    page.locator("#handle-1").press("ArrowRight")
    expect(drawn(page, "#handle-1-0")).to_be_focused()
    assert in_order(page) == ["0 points", "1.0 newsletter", "1.1 city"]

    page.locator("#handle-0").hover()
    page.mouse.down()
    target = page.locator("#rules [data-rule='1.1']").bounding_box()
    assert target is not None
    page.mouse.move(target["x"] + 60, target["y"] + 4, steps=4)
    target = page.locator("#rules [data-rule='1.1']").bounding_box()
    assert target is not None
    page.mouse.move(target["x"] + 60, target["y"] + target["height"] - 4, steps=4)
    expect(page.locator("#rules [data-rule='1.1']")).to_have_class(re.compile("is-drop-after"))
    page.mouse.up()
    expect(drawn(page, "#handle-0-2")).to_be_focused()
    assert in_order(page) == ["0.0 newsletter", "0.1 city", "0.2 points"]
    counted(page)
    assert_accessible(page)


def test_an_attribute_is_searched_by_keyboard(page: Page, bob: User) -> None:
    create_profiles([{"newsletter": True, "points": 5, "city": "Turku"}])
    sign_in(page, bob, "/segments/")
    page.get_by_role("link", name="New segment").first.click()
    drawn(page, "#find-attribute-0").press("Enter")
    expect(page.locator("#attribute-search")).to_be_focused()
    expect(page.locator("#attribute-choices").get_by_text("Turku")).to_be_visible()
    assert_accessible(page)
    page.locator("#attribute-search").press_sequentially("oin")
    expect(page.locator("[data-choose-attribute]")).to_have_count(1)
    page.locator("#attribute-search").press("ArrowDown")
    expect(page.locator("[data-choose-attribute]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(drawn(page, "#operator-0")).to_have_value("=")
    assert in_order(page) == ["0 points"]
    counted(page)


def test_a_drag_ends_by_escape_and_the_pane_stays(page: Page, bob: User) -> None:
    create_profiles([{"newsletter": True, "points": 5, "city": "Turku"}])
    sign_in(page, bob, "/segments/")
    add_conditions(page)
    page.locator("#handle-0").hover()
    page.mouse.down()
    page.locator("#handle-1").hover()
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.get_by_label("Name")).to_be_visible()
    assert in_order(page) == ["0 newsletter", "1 points", "2.0 city"]
    counted(page)


def test_a_draft_is_offered_again_and_continued(page: Page, bob: User) -> None:
    create_profiles([{"newsletter": True, "points": 5, "city": "Turku"}])
    Segment.objects.create(name="Everyone", rules={"join": "and", "rules": []})
    call_command("refresh_segments")
    sign_in(page, bob, "/segments/")
    add_conditions(page)
    page.goto(page.url)  # the session ends without a word; the address opens the pane again
    expect(page.get_by_text("You have an unsaved draft of a new segment")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Continue editing").click()
    drawn(page, "#attribute-2-0")
    expect(page.locator("#draft")).to_have_count(0)
    assert in_order(page) == ["0 newsletter", "1 points", "2.0 city"]
    expect(page.locator("#rules-sentence .segment-overlap")).to_contain_text("Everyone")
    assert_accessible(page)
    screenshot(page, "builder-overlap")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("link", name="New segment").first.click()
    expect(page.get_by_label("Name")).to_be_visible()
    expect(page.get_by_text("You have an unsaved draft")).to_have_count(0)
    counted(page)


def test_an_attribute_is_renamed(page: Page, bob: User) -> None:
    create_profiles([{"city": "Turku"}])
    Segment.objects.create(
        name="Of Turku",
        rules={"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]},
    )
    sign_in(page, bob, "/data/attributes/")
    page.get_by_label("Select city").check()
    page.get_by_role("link", name="Rename").or_(page.get_by_role("button", name="Rename")).first.click()
    expect(page.get_by_label("Name", exact=False).last).to_have_value("city")
    expect(page.locator("#dialog").get_by_role("link", name="Of Turku")).to_be_visible()
    assert_accessible(page)
    page.locator("#attribute-name").fill("Home town")
    page.locator("#attribute-name").press("Enter")
    expect(page.get_by_text("The attribute “city” is now “Home town”.")).to_be_visible()
    page.get_by_label("Select Home town").check()
    page.get_by_role("link", name="Rename").or_(page.get_by_role("button", name="Rename")).first.click()
    expect(page.locator("#attribute-name")).to_be_focused()
    screenshot(page, "attribute-rename")


def test_enter_saves_rather_than_pressing_the_first_button(page: Page, bob: User) -> None:
    sign_in(page, bob, "/segments/")
    page.get_by_role("link", name="New segment").first.click()
    page.get_by_label("Name").fill("Everyone")
    page.get_by_label("Name").press("Enter")
    expect(page.get_by_role("heading", name="Everyone", level=1)).to_be_visible()


def test_the_builder_fits_on_a_phone(phone: Page, bob: User) -> None:
    sign_in(phone, bob, "/segments/add/")
    assert_accessible(phone)
    assert phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0

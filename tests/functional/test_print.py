"""The printed page of a run is evidence: all that matters, in black on white, without navigation and buttons."""

import re
import unicodedata
from pathlib import Path

import pytest
from playwright.sync_api import Page

from config.platform.accounts.models import User
from exports.models import Run
from tests.functional.conftest import OpenPage, screenshot, sign_in
from tests.functional.every_state import account, things_in_every_state
from tests.support.pdf_text import pages_of, text_of
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_COLORS = """() => [...document.querySelectorAll("main *")]
    .filter((each) => each.checkVisibility() && each.childNodes.length && each.innerText?.trim())
    .map((each) => getComputedStyle(each))
    .flatMap((style) => [style.color, style.backgroundColor])"""
_WIDER = """() => [...document.querySelectorAll("main *")]
    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > document.body.clientWidth + 1)
    .map((each) => each.outerHTML.slice(0, 120))"""


def without_blanks(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))  # “fi” may be one glyph


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_run_is_printed(
    open_page: OpenPage, alice: User, account: RunningSandbox, tmp_path: Path, theme: str
) -> None:
    things_in_every_state(alice, account, tmp_path)
    run = Run.objects.filter(export__name="Shop").order_by("number")[0]
    assert run.rejected == 2
    Run.objects.filter(pk=run.pk).update(requested_by=alice)
    page = open_page(color_scheme=theme)
    page.context.add_cookies([{"name": "theme", "value": theme, "domain": "localhost", "path": "/"}])
    sign_in(page, alice, f"/data/runs/{run.pk}/")
    pdf = page.pdf(format="A4", print_background=True)
    text = without_blanks(text_of(pdf))
    for word in (
        "Shop",
        "Completed with warnings",
        "Requested by",
        "Alice Adams",
        "Settings used",
        "Segments",
        "Crowd",
    ):
        assert without_blanks(word) in text
    for word in ("Started", "Ended", "Run summary", "Rejected", "Results by reason", "Members", str(run.members)):
        assert without_blanks(word) in text
    assert run.started_at is not None
    assert f"{run.started_at:%Y}" in text
    for word in ("Edit export", "Run again", "View batches", "Data sources", "Skip to content", "Retry"):
        assert without_blanks(word) not in text
    assert pages_of(pdf) <= 3


def test_the_printed_page_is_black_on_white_and_clips_nothing(
    open_page: OpenPage, alice: User, account: RunningSandbox, tmp_path: Path
) -> None:
    things_in_every_state(alice, account, tmp_path)
    page: Page = open_page(color_scheme="dark", viewport={"width": 680, "height": 960})  # A4 with margins
    sign_in(page, alice)
    for run in Run.objects.all():
        page.goto(f"/data/runs/{run.pk}/")
        page.emulate_media(media="print")
        assert set(page.evaluate(_COLORS)) <= {"rgb(0, 0, 0)", "rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"}
        assert page.evaluate(_WIDER) == []
        assert page.locator("nav, button, .button").locator("visible=true").count() == 0
        screenshot(page, f"printed-{run.number}")
        page.emulate_media(media="screen")

"""Nothing moves while a page loads: the cumulative layout shift of the main pages, as browsers measure it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from config.platform.accounts.models import User
from tests.functional.conftest import PHONE, WIDE, OpenPage, sign_in
from tests.functional.every_state import Things, account, addresses_of, things_in_every_state
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_SHIFT = 0.02  # 0.1 is what counts as good
MAIN_PAGES = (
    *("system:home", "exports:list", "exports:runs", "exports:run", "exports:contacts", "exports:batches"),
    *("segments:list", "segments:detail", "segments:customers", "segments:data_sources", "segments:import"),
    *("segments:attributes", "connections:list", "connections:discover", "system:status", "system:schedule"),
    *("accounts:permissions", "audit:list", "system:help_index", "exports:add", "segments:add"),
)
_OBSERVE = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    if (entry.hadRecentInput) return;
    const moved = entry.sources.map((each) => each.node?.id || each.node?.className || each.node?.nodeName);
    window.shifts.push({value: entry.value, moved: moved.join(" ")});
  })).observe({type: "layout-shift", buffered: true});
}"""
_SETTLED = """async () => {
  await document.fonts.ready;
  await new Promise((go) => setTimeout(go, 400));
  return window.shifts;
}"""


def shift_of(page: Page, path: str) -> tuple[float, list[dict[str, Any]]]:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    shifts = page.evaluate(_SETTLED)
    return round(sum(each["value"] for each in shifts), 4), shifts


def main_pages(things: Things) -> list[str]:
    found = [next(iter(addresses_of(name, things)), None) for name in MAIN_PAGES]
    return [each[0] for each in found if each]


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_main_pages_do_not_move_while_they_load(
    open_page: OpenPage, alice: User, account: RunningSandbox, tmp_path: Path, viewport: Any
) -> None:
    things = things_in_every_state(alice, account, tmp_path)
    page = open_page(viewport=viewport)
    page.add_init_script(f"({_OBSERVE})()")
    sign_in(page, alice, "/help/")
    paths = main_pages(things)
    assert len(paths) == len(MAIN_PAGES)
    found = {path: shift_of(page, path) for path in paths}
    print({path: value for path, (value, _shifts) in found.items()})  # noqa: T201 - for who tunes it
    assert {path: shifts for path, (value, shifts) in found.items() if value > MOST_SHIFT} == {}


def test_lists_need_no_scrolling_on_a_wide_screen(
    page: Page, alice: User, account: RunningSandbox, tmp_path: Path
) -> None:
    things = things_in_every_state(alice, account, tmp_path)
    sign_in(page, alice, "/help/")
    cut_off = []
    for path in main_pages(things):
        page.goto(path)
        cut_off += [path] * page.locator("#list .list__scroll").evaluate_all(
            "boxes => boxes.filter((box) => box.scrollWidth > box.clientWidth).length"
        )
    assert cut_off == []

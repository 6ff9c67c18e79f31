"""Every pane and dialog of the table of addresses: opened by keyboard, it stands in the address; Escape, Back,
Forward, reload and a copied link do with it what they do with a page.

One page of the browser walks through them, since opening one for each takes minutes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import Client

from config.platform.accounts.models import User
from tests.functional.conftest import OpenPage, sign_in
from tests.functional.every_state import Things, account, addresses_of, things_in_every_state
from tests.integration.access.test_every_address import ADDRESSES
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

PARTS = 3  # for as many processes

# Reached from elsewhere than the page that they close to.
OTHER_PAGES = {
    "exports:repair_list": "/data/exports/{pk}/list/?kind=gone",
    "exports:remove_suppressions": "/data/exports/{pk}/list/?kind=imported",
    "accounts:change_password": "/accounts/security/",
    "system:cancel": "/admin/system/?pane=/admin/system/progress/export/{run}/",
    "system:find": "/",
    "segments:attribute_choices": "/segments/?pane=/segments/{segment}/edit/",
}
# Focus what opens the address on this page: a link, or a command for a row, which is selected for it. Commands
# that do not fit into the bar are in its menu.
FOCUS_OPENER = """(path) => {
  const pathOf = (address) => address.split("?")[0];
  const focusOn = (opener) => {
    let shown = opener;
    if (opener.matches(".is-overflowed")) {
      const menu = opener.closest(".command-bar__commands").querySelector("[data-overflow]");
      menu.querySelector("[data-menu-button]").click();
      shown = [...menu.querySelectorAll(".menu__item")].find((item) => item.textContent === opener.textContent);
    } else opener.closest("[data-menu]")?.querySelector("[data-menu-button]").click();
    shown.focus();
    return document.activeElement === shown;
  };
  const opens = (each) => pathOf(each.getAttribute("hx-get")) === path;
  const link = [...document.querySelectorAll("[hx-get]")].find(opens);
  if (link) return focusOn(link);
  const boxes = [...document.querySelectorAll("tbody input[name=selected]")];
  for (const command of document.querySelectorAll("[data-command][data-href-template]")) {
    if (!("pane" in command.dataset || "dialog" in command.dataset)) continue;
    for (const chosen of [[], ...boxes.map((box) => [box]), boxes]) {
      const template = command.dataset.hrefTemplate;
      const address = chosen.length ? template.replace(/(^|[/=])0(?=[/?&]|$)/, `$1${chosen[0].value}`) : template;
      if (pathOf(address) !== path) continue;
      boxes.forEach((box) => { box.checked = chosen.includes(box); });
      boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
      if (!command.hidden) return focusOn(command);
    }
  }
  return false;
}"""

# The accessible name of what is open, and nothing while nothing is.
NAME = """(kind) => {
  const frame = document.querySelector(`#${kind} [data-${kind}-frame]`);
  return frame && (frame.getAttribute("aria-label") || frame.querySelector("h2").innerText);
}"""
IS_NAMED = f"([kind, name]) => ({NAME})(kind) === name"
IS_CLOSED = "(kind) => !document.getElementById(kind)?.childElementCount"


@dataclass(frozen=True)
class Layer:
    """A pane or a dialog, and the page over which it opens."""

    name: str
    kind: str
    path: str
    page: str

    def is_in(self, url: str) -> bool:
        return bool(re.search(rf"[?&]{self.kind}={re.escape(self.path)}(&|\?|$)", url))


def layers(names: Iterable[str], client: Client, things: Things) -> Iterator[Layer]:
    """Find the panes and dialogs among addresses, by requesting each as htmx does."""
    for name in names:
        for path, pk in addresses_of(name, things):
            headers = {"HX-Request": "true", "HX-Target": "pane"}
            answer = client.get(path, {"selected": str(pk)}, headers=headers)
            html = "" if answer.streaming else answer.content.decode()
            if answer.status_code == 200 and (kind := re.search(r"data-(pane|dialog)-frame", html)):
                back = re.search(rf'href="([^"]+)"[^>]* data-{kind[1]}-close', html)
                ids = {kind: found[0] for kind, found in things.items()}
                page = OTHER_PAGES.get(name, "").format(pk=pk, **ids) or (back and back[1].replace("&amp;", "&"))
                assert page, f"{path} closes to no page"
                yield Layer(name, kind[1], path, page)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_pane_and_dialog_has_an_address(
    open_page: OpenPage, alice: User, alice_client: Client, account: RunningSandbox, tmp_path: Path, part: int
) -> None:
    things = things_in_every_state(alice, account, tmp_path)
    page, linked = (open_page(reduced_motion="reduce") for _ in range(2))
    for each in (page, linked):
        sign_in(each, alice, "/help/")
    opened, not_offered = set(), set()
    for layer in layers(list(ADDRESSES)[part::PARTS], alice_client, things):
        if layer.name in opened:
            continue
        if not page.url.endswith(layer.page):  # as the reload has left it
            page.goto(layer.page)
            if "pane=" in layer.page:
                page.wait_for_function(NAME, arg="pane")
        if not page.evaluate(FOCUS_OPENER, layer.path):
            not_offered.add(layer.name)  # for this thing; perhaps for another one
            continue
        opened.add(layer.name)
        page.keyboard.press("Enter")
        name = page.wait_for_function(NAME, arg=layer.kind).json_value()
        assert layer.is_in(page.url)
        page.go_back()
        page.wait_for_function(IS_CLOSED, arg=layer.kind)
        assert not layer.is_in(page.url)
        page.go_forward()
        page.wait_for_function(IS_NAMED, arg=[layer.kind, name])
        page.reload()
        page.wait_for_function(IS_NAMED, arg=[layer.kind, name])
        address = page.url
        page.keyboard.press("Escape")
        page.wait_for_function(IS_CLOSED, arg=layer.kind)
        linked.goto(address)
        linked.wait_for_function(IS_NAMED, arg=[layer.kind, name])
    assert not_offered - opened == set()
    assert len(opened) > 10

"""Every pane and dialog of the table of addresses: opened by keyboard, it stands in the address; Escape, Back,
Forward, reload and a copied link do with it what they do with a page.

One browser walks through all of them, since starting one for each takes minutes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.test import Client
from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from tests.functional.conftest import OpenPage, sign_in
from tests.integration.access.test_every_address import ADDRESSES, ground, url_of

# Reached from elsewhere than the page that they close to.
OTHER_PAGES = {
    "accounts:change_password": "/accounts/security/",
    "system:cancel": "/data/exports/",
}
# Not offered by a page of the ground: an import that runs, held removals, rejected contacts, an earlier list, an
# exclusion segment, a condition of rules, several rows, an invitation, a second factor, a source with a query.
NOT_OFFERED = {
    "segments:cancel_import",
    "segments:confirm_removals",
    "segments:attribute_choices",
    "segments:stop_excluding",
    "exports:ask_again",
    "exports:clear_earlier",
    "exports:confirm_removals",
    "exports:restore_removed",
    "segments:remove_many",
    "segments:source_schedule",
    "exports:remove_many",
    "accounts:invite_again",
    "accounts:reset_second_factor",
    "system:cancel",
}
# Focus what opens the address on this page: a link, or a command for a row, which is selected for it.
FOCUS_OPENER = """(path) => {
  const opens = (each) => each.getAttribute("hx-get").split("?")[0] === path;
  const link = [...document.querySelectorAll("[hx-get]")].find(opens);
  const menu = link?.closest("[data-menu]");
  if (menu) menu.querySelector("[data-menu-button]").click();
  if (link) { link.focus(); return document.activeElement === link; }
  const boxes = [...document.querySelectorAll("tbody input[name=selected]")];
  for (const command of document.querySelectorAll("[data-command][data-href-template]")) {
    if (!("pane" in command.dataset || "dialog" in command.dataset)) continue;
    for (const chosen of [null, ...boxes.map((box) => [box]), boxes]) {
      const id = chosen?.[0]?.value;
      const template = command.dataset.hrefTemplate;
      if ((id ? template.replace(/(^|[/=])0(?=[/?&]|$)/, `$1${id}`) : template).split("?")[0] !== path) continue;
      boxes.forEach((box) => { box.checked = Boolean(chosen?.includes(box)); });
      boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
      if (command.hidden) continue;
      command.focus();
      return document.activeElement === command;
    }
  }
  return false;
}"""


@dataclass(frozen=True)
class Layer:
    """A pane or a dialog, and the page over which it opens."""

    name: str
    kind: str
    path: str
    page: str


def layers(client: Client, ids: dict[str, int]) -> Iterator[Layer]:
    """Find the panes and dialogs among all addresses, by requesting each as htmx does."""
    for name, address in ADDRESSES.items():
        path = url_of(name, ids)
        headers = {"HX-Request": "true", "HX-Target": "pane"}
        answer = client.get(path, {"selected": str(ids.get(address.of, 0))}, headers=headers)
        html = "" if answer.streaming else answer.content.decode()
        if kind := re.search(r"data-(pane|dialog)-frame", html):
            back = re.search(rf'href="([^"]+)"[^>]* data-{kind[1]}-close', html)
            assert back, f"{path} closes to no page"
            yield Layer(name, kind[1], path, OTHER_PAGES.get(name, back[1].replace("&amp;", "&")))


def test_every_pane_and_dialog_has_an_address(
    open_page: OpenPage, page: Page, alice: User, alice_client: Client
) -> None:
    ids = ground(alice, shared=True)
    found = list(layers(alice_client, ids))
    assert {layer.kind for layer in found} == {"pane", "dialog"}
    linked = open_page()
    sign_in(linked, alice, "/help/")
    sign_in(page, alice, "/help/")
    not_offered = set()
    for layer in found:
        if not page.url.endswith(layer.page):  # as the reload has left it
            page.goto(layer.page)
        if not page.evaluate(FOCUS_OPENER, layer.path):
            not_offered.add(layer.name)
            continue
        shown = page.locator(f"#{layer.kind} [data-{layer.kind}-frame]")
        in_address = re.compile(rf"[?&]{layer.kind}={re.escape(layer.path)}(&|\?|$)")
        page.keyboard.press("Enter")
        expect(shown).to_be_visible()
        expect(page).to_have_url(in_address)
        title = shown.locator("h2").first.inner_text()
        page.go_back()
        expect(shown).to_have_count(0)
        expect(page).not_to_have_url(in_address)
        page.go_forward()
        expect(shown.locator("h2").first).to_have_text(title)
        page.reload()
        expect(shown.locator("h2").first).to_have_text(title)
        address = page.url
        page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
        linked.goto(address)
        expect(linked.locator(f"#{layer.kind} h2").first).to_have_text(title)
    assert not_offered == NOT_OFFERED

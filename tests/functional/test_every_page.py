"""Every page of the table of addresses, as each role that may open it, in both themes: its console has no error
and no breach of the Content-Security-Policy, and axe has no complaint.

A few pages of the browser walk through the addresses, since opening one for each takes minutes. What looks the
same, for another role or another thing, is opened once.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.test import Client

from config.platform.accounts.models import User
from tests.functional.conftest import OpenPage, assert_accessible, complaints_of_axe, sign_in
from tests.functional.every_state import Things, account, addresses_of, things_in_every_state
from tests.integration.access.test_every_address import ADDRESSES, STRANGER
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

ROLES = ["administrator", "contributor", "viewer", STRANGER]  # who sees more is first
# What axe does not check, and why. Consoles are watched on all pages.
NOT_CHECKED_BY_AXE = {"/api/docs": "Swagger UI builds this page; its colors and nested buttons are not ours."}
MAIN = re.compile(r"<main.*?</main>", re.DOTALL)
# What differs between pages that look the same: numbers, and the token of a form.
ACCIDENTAL = re.compile(r"\d+|[A-Za-z0-9]{64}")
PARTS = 4  # for as many processes


def look_of(client: Client, path: str) -> str:
    """Return what a page looks like; nothing for what is no whole page: a download, a part, a redirect."""
    answer = client.get(path)
    if answer.status_code != 200 or answer.streaming or b"<html" not in answer.content[:500]:
        return ""
    main = MAIN.search(answer.content.decode())
    assert main, f"{path} has no <main>"
    return ACCIDENTAL.sub("", main[0])


def pages_to_open(names: Iterable[str], clients: dict[str, Client], things: Things) -> Iterator[tuple[str, str]]:
    """Find the pages of these addresses that look like none before, each with a role that may open it."""
    seen = {""}
    for name in names:
        for path, pk in addresses_of(name, things):
            for role in ROLES:
                with_selection = f"{path}?selected={pk}" if pk else path
                look = look_of(clients[role], with_selection) if role in ADDRESSES[name].look else ""
                if look not in seen:
                    yield role, with_selection
                seen.add(look)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_has_an_error_or_a_barrier(
    open_page: OpenPage,
    alice: User,
    bob: User,
    charlie: User,
    account: RunningSandbox,
    tmp_path: Path,
    part: int,
) -> None:
    things = things_in_every_state(alice, account, tmp_path)
    clients = {role: Client(raise_request_exception=False) for role in ROLES}
    opened = {role: open_page(reduced_motion="reduce", color_scheme="light") for role in ROLES}
    for user in (alice, bob, charlie):
        clients[user.role].force_login(user)
        sign_in(opened[user.role], user, "/help/")
        assert_accessible(opened[user.role])
    found, count = [], 0
    for role, path in pages_to_open(list(ADDRESSES)[part::PARTS], clients, things):
        page, count = opened[role], count + 1
        page.goto(path)
        if path in NOT_CHECKED_BY_AXE:
            continue
        found += complaints_of_axe(page, inside_shell=True)
        page.emulate_media(color_scheme="dark")
        found += complaints_of_axe(page, ["color-contrast"], inside_shell=True)
        page.emulate_media(color_scheme="light")
    assert found == []
    assert count >= 20

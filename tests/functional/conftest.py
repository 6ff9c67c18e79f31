"""A real browser on a real server. Any error in its console, a breach of the Content-Security-Policy included,
fails the test; answers that say “not so” on purpose (409, 422) do not count.

``open_page()`` gives a page, as wide as asked; ``page`` and ``phone`` are two of them. ``sign_in(page, user)``
lets them arrive with a session. ``screenshot(page, name)`` keeps pictures in the folder that SCREENSHOTS names.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

from config.platform.accounts.models import User

# Chromium without its window, which costs more than half of the time; or with it.
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# A form that is refused; a request that a later one replaces, of which htmx complains twice.
MEANT = re.compile(r"Failed to load resource: .* status of (409|422)|^htmx:(sendAbort|afterRequest),")
PATIENCE_MS = 30_000  # for conditions, on a machine that has much else to do

OpenPage = Callable[..., Page]


class Troubles(list[str]):
    """What the browser complained of. A test that means to provoke an error clears it."""

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"script: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not MEANT.search(message.text):
            self.append(f"console: {message.text} ({message.location.get('url', '')})")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. While it runs, playwright's event loop makes Django think that it is called from
    asynchronous code; the variable says that it is not."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield launched
            launched.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def troubles() -> Iterator[Troubles]:
    found = Troubles()
    yield found
    assert not found, "the browser complained:\n" + "\n".join(found)


@pytest.fixture
def open_page(
    browser: Browser, live_server: LiveServer, transactional_db: None, troubles: Troubles
) -> Iterator[OpenPage]:
    """Opens a page with settings of its own, such as ``open_page(viewport=PHONE, color_scheme="dark")``."""
    contexts: list[BrowserContext] = []

    def opened(**options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **({"viewport": WIDE} | options))
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        troubles.watch(page)
        return page

    expect.set_options(timeout=PATIENCE_MS)
    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A wide screen."""
    return open_page()


@pytest.fixture
def phone(open_page: OpenPage) -> Page:
    """A phone's screen."""
    return open_page(viewport=PHONE, has_touch=True, is_mobile=True)


def command(page: Page, name: str) -> Locator:
    """Find a command in the command bar, or in the overflow menu of the bar, which is opened then."""
    bar = page.get_by_role("toolbar", name="Commands")
    found = bar.get_by_role("button", name=name, exact=True).or_(bar.get_by_role("link", name=name, exact=True))
    shown = found.locator("visible=true")
    more = bar.get_by_role("button", name="More actions").locator("visible=true")
    expect(shown.or_(more).first).to_be_visible()
    if not shown.count():
        more.click()
    return shown


def sign_in(page: Page, user: User, to: str = "/") -> None:
    """Arrive at the address ``to`` as ``user``, with a session made beforehand. The door itself is walked through
    in test_security.py."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "domain": "localhost", "path": "/", "httpOnly": True}]
    )
    page.goto(to)
    page.wait_for_url(re.compile(rf"^[a-z]+://[^/]+{re.escape(to)}"))  # rather than the door


# What was asked for is there, and has come in.
_COME_TO_REST = """async () => {
    const frame = () => new Promise((go) => requestAnimationFrame(go));
    do await frame(); while (document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"));
    await frame();
    await Promise.allSettled(document.getAnimations()
        .filter((each) => each.effect.getComputedTiming().iterations !== Infinity)
        .map((each) => each.finished));
}"""


# Without what passed, which takes as long to bring over as all rules together. Preloading is for audio.
_VIOLATIONS = """([rules, exclude]) => axe.run({exclude}, {
    resultTypes: ['violations'], preload: false, ...(rules ? {runOnly: {type: 'rule', values: rules}} : {})
}).then((results) => results.violations)"""
GRAVE = re.compile(r"\((serious|critical)\): ")
_SHELL = [["#navigation"], [".top-bar"]]


def complaints_of_axe(page: Page, rules: list[str] | None = None, *, inside_shell: bool = False) -> list[str]:
    """Describe what axe complains of, by all its rules or by ``rules``, once what moves or fades in has come to
    rest. ``inside_shell`` passes over navigation and top bar, which all pages share: half of the time."""
    page.evaluate(_COME_TO_REST)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    theme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? ', dark' : ''")
    return [
        f"{page.url}{theme}: {violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(f"  {node['html'][:200]}" for node in violation["nodes"])
        for violation in page.evaluate(_VIOLATIONS, [rules, _SHELL if inside_shell else []])
    ]


def assert_accessible(page: Page) -> None:
    """No serious or critical complaint of axe, once what moves or fades in has come to rest."""
    grave = [complaint for complaint in complaints_of_axe(page) if GRAVE.search(complaint)]
    assert not grave, "\n".join(grave)


def screenshot(page: Page, name: str) -> None:
    """Keep a picture of the page when SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")

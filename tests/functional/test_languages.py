"""In each language: sign in, add an export, run it and see the result, by the words of the customer's
documentation (tests/unit/config/test_customer_terms.py holds the catalogs to them). No English is left, and long
words fit."""

import re

import polib
import pytest
from django.conf import settings
from django.utils.translation import gettext, override, to_locale
from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from exports.models import Run
from exports.run import pipeline
from tests.conftest import PASSWORD
from tests.functional.conftest import PHONE, WIDE, OpenPage, screenshot
from tests.functional.every_state import account
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NAMES = {"email", "Sandbox client"}  # an attribute, and the account: data, not texts
PLACE = re.compile(r"%\\\(\w+\\\)[sd]|\\\{\w*\\\}")  # in an escaped text
WORD = re.compile(r"[A-Za-z]{3,}")
LANGUAGES = [code for code, _name in settings.LANGUAGES]


class Reader:
    """Reads pages in one language: finds what is called as an English text is, and the English that is left."""

    def __init__(self, page: Page, language: str) -> None:
        self.page, self.language = page, language
        path = settings.BASE_DIR / "config/locale" / to_locale(language) / "LC_MESSAGES/django.po"
        catalog = polib.pofile(str(path)) if path.exists() else []
        self.english = {entry.msgid for entry in catalog if entry.msgstr.lower() != entry.msgid.lower()}
        # A word of the language that is written as an English one, with another meaning.
        self.english -= {entry.msgstr for entry in catalog} | NAMES
        # Texts with values in them, as far as they have words enough to be known by.
        known_by = [PLACE.sub(".+", re.escape(text)) for text in self.english if PLACE.search(re.escape(text))]
        self.with_values = re.compile("|".join(text for text in known_by if len(WORD.findall(text)) > 1) or "(?!)")

    def __call__(self, text: str) -> str:
        with override(self.language):
            return gettext(text)

    def check(self, name: str) -> None:
        """No English is left, and nothing is wider than the screen, on a desktop and on a phone."""
        for size, viewport in (("1440", WIDE), ("390", PHONE)):
            self.page.set_viewport_size(viewport)
            lines = {line.strip() for line in self.page.locator("body").inner_text().splitlines()}
            assert lines & self.english == set()
            assert [line for line in lines if self.with_values.fullmatch(line)] == []
            assert self.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
            screenshot(self.page, f"{name}-{self.language}-{size}")
        self.page.set_viewport_size(WIDE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_export_in_each_language(
    open_page: OpenPage, bob: User, account: RunningSandbox, language: str
) -> None:
    create_profiles([{"email": "ann@example.com", "first_name": "Ann"}, {"email": "no-address"}])
    exports.sandbox_connection(account, name="Shop")
    exports.segment_of_everyone("Readers")
    page = open_page(locale=language, reduced_motion="reduce")
    text = Reader(page, language)
    page.goto("/accounts/sign-in/")
    text.check("sign-in")
    page.get_by_label(text("Username")).fill("bob")
    page.get_by_label(text("Password")).fill(PASSWORD)
    page.get_by_role("button", name=text("Sign in"), exact=True).click()
    expect(page.locator("#navigation")).to_be_visible()
    text.check("home")

    page.locator("#navigation").get_by_role("link", name=text("Exports"), exact=True).click()
    text.check("no-exports")
    page.get_by_role("toolbar").get_by_text(text("Add destination")).click()
    pane = page.get_by_role("dialog", name=text("Set up export"))
    pane.get_by_label(text("Display name")).fill("News")
    pane.get_by_label(text("Destination list")).select_option(label="Newsletter")
    expect(pane.locator("#list-details")).to_contain_text(text("Active subscribers"))
    pane.get_by_role("checkbox", name="Readers").check()
    pane.get_by_role("radio", name=re.compile(f"^{text('Unchanged')}")).check()
    text.check("export-pane")
    pane.get_by_role("button", name=text("Save"), exact=True).click()
    notice = page.locator(".saved-notice")
    expect(notice).to_contain_text(text("Saved. Not run yet."))
    text.check("exports")

    notice.get_by_role("button", name=text("Run"), exact=True).click()
    page.wait_for_url(re.compile(r"/data/runs/\d+/$"))
    run = Run.objects.get()
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    expect(page.locator(".run-title .pill")).to_have_text(text("Successful"))
    expect(page.locator("#metric-delivered")).to_have_text("1")
    text.check("run")
    page.goto(f"/data/runs/{run.pk}/contacts/?kind=excluded")
    text.check("contacts")

"""No page shows English to users of another language: Chinese, since Latin letters stand out in it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.test import Client

from config.console.help_pages import PAGES
from config.platform.accounts.models import User
from tests.integration.access.test_every_address import ADDRESSES, ground, url_of

pytestmark = pytest.mark.django_db

_SHOWN = {"title", "alt", "placeholder", "aria-label", "data-confirm"}
_HIDDEN = {"script", "style", "code", "pre", "kbd"}
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
_PHRASE = re.compile(r"(?<![-A-Za-z])[A-Za-z][A-Za-z'’-]+(?: [A-Za-z'’-]+)+")  # no options of commands
# What is written the same in every language: names, labels of Campaign Monitor, and what users have entered.
_NAMES = re.compile(
    "Segment Exports|REST API|Campaign Monitor|Amazon S3|Amazon Redshift|Standard Webhooks|Bahasa Indonesia"
    "|Google BigQuery|GitHub Actions|List API ID|Account settings|API keys|Generate API key|Alice Adams"
    "|Sandbox client|READS SQL DATA|NO SQL|AT TIME ZONE 'UTC'|make run"
)


class _Texts(HTMLParser):
    """Collects the texts that a page shows: those of elements, and of attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[bool] = []  # for each open element, whether its text is left out

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        is_hidden = self._is_hidden() or tag in _HIDDEN or _is_in_another_language(tag, dict(attrs))
        if tag not in _VOID:
            self._open.append(is_hidden)
        if not is_hidden:
            self.found += [value for name, value in attrs if name in _SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._is_hidden():
            self.found.append(" ".join(data.split()))

    def _is_hidden(self) -> bool:
        return bool(self._open) and self._open[-1]


def _is_in_another_language(tag: str, given: dict[str, str | None]) -> bool:
    """Say whether an element is a text that a user agreed to in English, say, or the name of a time zone."""
    is_zone = tag == "option" and "/" in (given.get("value") or "")
    return is_zone or (tag != "html" and "lang" in given)


def english_in(html: str) -> Iterator[str]:
    """Find phrases in Latin letters."""
    texts = _Texts()
    texts.feed(html)
    for text in texts.found:
        yield from _PHRASE.findall(_NAMES.sub("", text))


def test_no_page_shows_english_to_users_of_another_language(alice: User, alice_client: Client) -> None:
    ids = ground(alice, shared=True)
    pages = {url_of(name, ids): {"selected": str(ids.get(each.of, 0))} for name, each in ADDRESSES.items()}
    pages |= {f"/help/{page}/": {} for page in PAGES}
    found: dict[str, str] = {}
    for page, chosen in pages.items():
        response = alice_client.get(page, chosen, headers={"Accept-Language": "zh-hans"})
        if "text/html" in response.headers.get("Content-Type", "") and not response.streaming:
            for phrase in english_in(response.content.decode()):
                found.setdefault(phrase, page)
    assert found == {}


def test_english_is_found_where_it_is_shown() -> None:
    page = (
        '<p title="Show all">运行 <b>Run now</b> 3 <code>run all</code><i lang="en">I do agree</i></p><p>Not yet'
    )
    assert list(english_in(page)) == ["Show all", "Run now", "Not yet"]

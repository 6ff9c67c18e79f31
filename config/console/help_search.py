"""Find sections of the help that contain words. A section is what follows a heading, whose ID an address can
name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import unescape

from django.utils.html import strip_tags

_HEADING = re.compile(r"<h(?P<level>[23])(?: id=\"(?P<id>[^\"]+)\")?>(?P<title>.*?)</h(?P=level)>", re.DOTALL)
_BLANKS = re.compile(r"\s+")
_SHOWN = 200  # characters of a section that a result shows


@dataclass(frozen=True)
class Section:
    """A section of a page of the help, with its text without markup."""

    page: str
    id: str
    title: str
    text: str
    is_main: bool


def with_heading_ids(html: str) -> str:
    """Give each heading an ID: its own, or its number on the page."""
    numbers = iter(range(1, len(html)))

    def numbered(found: re.Match[str]) -> str:
        number = next(numbers)
        level, own_id, title = found["level"], found["id"], found["title"]
        return f'<h{level} id="{own_id or f"section-{number}"}">{title}</h{level}>'

    return _HEADING.sub(numbered, html)


def sections_of(page: str, html: str) -> list[Section]:
    """Return the sections of a page whose headings have IDs. The text before the first heading has no ID."""
    found = list(_HEADING.finditer(html))
    ends = [*(heading.start() for heading in found), len(html)]
    sections = [Section(page, "", "", _plain(html[: ends[0]]), is_main=True)]
    for heading, end in zip(found, ends[1:], strict=True):
        text = _plain(html[heading.end() : end])
        sections.append(
            Section(page, heading["id"] or "", _plain(heading["title"]), text, heading["level"] == "2")
        )
    return sections


def search(words: str, sections: Iterable[Section]) -> list[Section]:
    """Return the sections that contain all words, those with one in the title first; each with the text around
    the first word."""
    wanted = words.casefold().split()
    if not wanted:
        return []
    hits = [each for each in sections if all(word in f"{each.title} {each.text}".casefold() for word in wanted)]
    hits.sort(key=lambda each: not any(word in each.title.casefold() for word in wanted))
    return [Section(each.page, each.id, each.title, _around(each.text, wanted), each.is_main) for each in hits]


def titles(sections: Iterable[Section]) -> Mapping[str, str]:
    """Return the main headings of a page, by their IDs."""
    return {each.id: each.title for each in sections if each.is_main and each.id}


def _around(text: str, words: Iterable[str]) -> str:
    """Cut the text around the first word that it contains."""
    places = [place for word in words if (place := text.casefold().find(word)) >= 0]
    begin = max(0, min(places, default=0) - _SHOWN // 3)
    cut = text[begin : begin + _SHOWN].strip()
    return f"{'… ' if begin else ''}{cut}{' …' if begin + _SHOWN < len(text) else ''}"


def _plain(html: str) -> str:
    # Tags become blanks: the words of two cells or items must not run together.
    return _BLANKS.sub(" ", unescape(strip_tags(html.replace("<", " <")))).strip()

"""The help is built as a static site: all links lead to a file and a heading of the site, in six languages."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from config.console.help_pages import PAGES, PICTURES


class Document(HTMLParser):
    """Collects the links, the pictures and the IDs of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.lang = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [given[name] or "" for name in ("href", "src") if name in given]
        if given.get("id"):
            self.ids.add(given["id"] or "")
        if tag == "html":
            self.lang = given.get("lang") or ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "help"
    call_command("build_help", folder, verbosity=0)
    return folder


@pytest.fixture(scope="module")
def documents(site: Path) -> dict[Path, Document]:
    return {path.resolve(): Document(path.read_text("utf-8")) for path in site.rglob("*.html")}


def test_every_page_is_there_in_every_language(documents: dict[Path, Document], site: Path) -> None:
    languages = [code for code, _name in settings.LANGUAGES]
    assert len(documents) == 1 + len(languages) * (len(PAGES) + 1)
    for language in languages:
        assert documents[(site / language / "backup.html").resolve()].lang == language


def test_every_link_leads_to_a_file_and_a_heading_of_the_site(documents: dict[Path, Document]) -> None:
    followed, broken = 0, []
    for path, document in documents.items():
        for link in document.links:
            target, _mark, section = link.partition("#")
            file = (path.parent / target).resolve() if target else path
            is_there = file.is_file() and (not section or section in documents[file].ids)
            if not is_there:
                broken.append((str(path), link))
            followed += 1
    assert broken == []
    assert followed > 5000
    print(f"{followed} links followed")  # noqa: T201 -- a figure, shown with -s


def test_pages_have_no_addresses_of_the_program(documents: dict[Path, Document]) -> None:
    assert [link for each in documents.values() for link in each.links if link.startswith(("/", "http"))] == []


def test_pictures_are_copied(documents: dict[Path, Document], site: Path) -> None:
    assert {path.stem for path in (site / "img").iterdir()} == PICTURES.keys()
    shown = {link for link in documents[(site / "fi" / "results.html").resolve()].links if "/img/" in link}
    assert "../img/run.webp" in shown


def test_a_build_replaces_a_former_one(site: Path) -> None:
    page = site / "en" / "backup.html"
    before = page.read_text("utf-8")
    page.write_text("old", "utf-8")
    call_command("build_help", site, verbosity=0)
    assert page.read_text("utf-8") == before

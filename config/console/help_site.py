"""Build the help as a static site, in all languages, for a web server without this program."""

import re
import shutil
from pathlib import Path
from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from config.console import help_search
from config.console.help_pages import GROUPS, PAGES, PICTURE_DIR
from config.console.views.help import contents_of, render_text

# The styles of the pages, as far as the help uses them, and those of the site itself.
_STYLES: Final = ("tokens", "base", "page", "pages", "controls", "lists", "help", "help_site")
_EXAMPLE_URL: Final = "https://segments.example.com"
_LINK = re.compile(
    r'<a (?P<before>[^>]*)href="(?P<path>/[^"#]*)(?P<section>#[^"]*)?"(?P<after>[^>]*)>(?P<text>.*?)</a>',
    re.DOTALL,
)


def build_site(folder: Path) -> int:
    """Write the pages in all languages, with their pictures and styles, into a folder. Returns how many pages."""
    (folder / "img").mkdir(parents=True, exist_ok=True)
    css = settings.BASE_DIR / "static" / "css"
    styles = [(css / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES]
    (folder / "help.css").write_text("\n".join(styles), encoding="utf-8")
    shutil.copy(settings.BASE_DIR / "static" / "img" / "mark.svg", folder)
    for picture in PICTURE_DIR.glob("*.webp"):
        shutil.copy(picture, folder / "img")
    context = {"product_name": settings.PRODUCT_NAME, "languages": _addresses("{}/index.html")}
    (folder / "index.html").write_text(render_to_string("help/site/languages.html", context), encoding="utf-8")
    return sum(_write_language(folder, code) for code, _name in settings.LANGUAGES)


def _write_language(folder: Path, language: str) -> int:
    """Write the pages in one language. Returns how many."""
    (folder / language).mkdir(exist_ok=True)
    with override(language):
        texts = {page: render_text(page, base_url=_EXAMPLE_URL, picture_root="../img") for page in PAGES}
        sections = {page: help_search.sections_of(page, text) for page, text in texts.items()}
        shell: dict[str, object] = {
            "product_name": settings.PRODUCT_NAME,
            "language": language,
            "groups": GROUPS,
        }
        pages = {
            page: shell | {"page": page, "page_title": PAGES[page], "text": text} for page, text in texts.items()
        }
        pages["index"] = shell | {"page_title": _("Help"), "contents": contents_of(sections)}
        for name, context in pages.items():
            context["languages"] = _addresses("../{}/" + f"{name}.html")
            html = with_relative_links(render_to_string("help/site/page.html", context))
            (folder / language / f"{name}.html").write_text(html, encoding="utf-8")
    return len(pages)


def _addresses(pattern: str) -> list[tuple[str, str, str]]:
    """List the languages with their names and the addresses of the page in each."""
    return [(code, str(name), pattern.format(code)) for code, name in settings.LANGUAGES]


def with_relative_links(html: str) -> str:
    """Let links between pages of the help lead to their files. Of links into the program only the text stays."""
    files = {reverse("system:help", args=[page]): f"{page}.html" for page in PAGES}
    files[reverse("system:help_index")] = "index.html"

    def relative(found: re.Match[str]) -> str:
        if found["path"] not in files:
            return found["text"]
        address = files[found["path"]] + (found["section"] or "")
        return f'<a {found["before"]}href="{address}"{found["after"]}>{found["text"]}</a>'

    return _LINK.sub(relative, html)

"""Pictures of the help are there, small enough, used, and of screens that exist."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import get_resolver

from config.console.help_pages import PICTURE_DIR, PICTURES
from tests.integration.access.test_every_address import _patterns

TEMPLATES: Path = settings.BASE_DIR / "templates" / "help"
_NAMED = re.compile(r'{% help_picture "([\w-]+)" _\("([^"]+)"\) %}')
LARGEST = 80_000  # bytes


def named_pictures() -> dict[str, str]:
    """Return the pictures that pages of the help name, with their alternative texts."""
    return {
        name: alt for page in TEMPLATES.glob("*.html") for name, alt in _NAMED.findall(page.read_text("utf-8"))
    }


def size_of(picture: Path) -> tuple[int, int]:
    """Read the width and height of a WebP file with a color profile, as Chromium writes it."""
    head = picture.read_bytes()[:30]
    assert (head[:4], head[8:16]) == (b"RIFF", b"WEBPVP8X")
    return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1


def test_every_picture_that_a_page_names_is_known_and_described() -> None:
    named = named_pictures()
    assert named.keys() == PICTURES.keys()
    calls = sum(page.read_text("utf-8").count("{% help_picture ") for page in TEMPLATES.glob("*.html"))
    assert calls == len(named), "a picture is named twice, or without a text in _()"
    assert all(len(alt) > 20 for alt in named.values())


def test_there_is_a_file_for_every_picture_and_no_other() -> None:
    assert {path.stem for path in PICTURE_DIR.glob("*")} == PICTURES.keys()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_shows_a_screen_that_exists_in_its_size(name: str) -> None:
    picture, file = PICTURES[name], PICTURE_DIR / f"{name}.webp"
    assert picture.url_name in {url_name for url_name, _url in _patterns(get_resolver())}
    assert size_of(file) == (picture.width, picture.height)
    assert file.stat().st_size < LARGEST

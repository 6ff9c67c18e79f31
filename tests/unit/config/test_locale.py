"""The catalogs of the languages beside English: compiled as they are written, with the terms that users know."""

import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override, to_locale

FOLDER = Path(settings.LOCALE_PATHS[0])
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")


def blocks(language: str) -> Iterator[dict[str, str]]:
    """Each message of the .po file, its parts by their names."""
    text = (FOLDER / to_locale(language) / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    for block in text.split("\n\n")[1:]:
        yield {line.split(" ")[0]: _QUOTED.findall(line)[0] for line in block.splitlines() if line[:3] == "msg"}


def translations(block: dict[str, str]) -> list[str]:
    """One for each plural form."""
    return [text for name, text in block.items() if name.startswith("msgstr")]


def written(language: str) -> Iterator[tuple[str, list[str]]]:
    """Each message with its translations."""
    for block in blocks(language):
        yield block["msgid"], translations(block)


def compiled(language: str) -> dict[str, list[str]]:
    """The same from the .mo file, which is what runs."""
    with (FOLDER / to_locale(language) / "LC_MESSAGES" / "django.mo").open("rb") as file:
        catalogue: dict[str | tuple[str, int], str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found: dict[str, list[str]] = {}
    for key, text in catalogue.items():
        found.setdefault(key if isinstance(key, str) else key[0], []).append(text)
    return found


def places(text: str) -> list[str]:
    """Where values are put in."""
    return sorted(_PLACE.findall(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_compiled_as_it_is_written(language: str) -> None:
    """After an edit: ``make messages``; both files are committed."""
    fresh = dict(written(language))
    stored = {key: texts for key, texts in compiled(language).items() if key}
    assert stored == fresh
    assert len(fresh) > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_place_for_a_value_stays(language: str) -> None:
    """One of several may leave out how many, and a language that has no plural speaks of several."""
    for block in blocks(language):
        sources = [block["msgid"], block.get("msgid_plural", block["msgid"])]
        for text in translations(block):
            assert places(text) in [places(source) for source in sources], block["msgid"]


@pytest.mark.parametrize(
    ("language", "connections", "add_export", "email", "two_days"),
    [
        ("zh-hans", "连接", "添加导出", "电子邮件", "2 天前"),
        ("pl", "Połączenia", "Dodaj eksport", "E-mail", "2 dni temu"),
        ("ro", "Conexiuni", "Adăugare export", "E-mail", "acum 2 zile"),
        ("fi", "Yhteydet", "Lisää vienti", "Sähköposti", "2 päivää sitten"),
        ("id", "Koneksi", "Tambahkan ekspor", "Email", "2 hari yang lalu"),
    ],
)
def test_it_uses_the_words_that_people_know(
    language: str, connections: str, add_export: str, email: str, two_days: str
) -> None:
    with override(language):
        assert (_("Connections"), _("Add export"), _("Email")) == (connections, add_export, email)
        assert ngettext("%(n)d day ago", "%(n)d days ago", 2) % {"n": 2} == two_days

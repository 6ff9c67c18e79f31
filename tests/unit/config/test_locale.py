"""The catalogs of the languages beside English: compiled as they are written, with the terms that users know."""

from collections.abc import Iterable
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override, to_locale

from tests.catalogs import problems_of

FOLDER = Path(settings.LOCALE_PATHS[0])
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def catalog_of(language: str) -> Path:
    """The path of both files of a catalog, without .po and .mo."""
    return FOLDER / to_locale(language) / "LC_MESSAGES" / "django"


def translations(entries: Iterable[polib.POEntry | polib.MOEntry]) -> dict[tuple[str, str], list[str]]:
    """The translations of each text, by its context and the text: one, or one for each plural form."""
    return {
        (each.msgctxt or "", each.msgid): list(each.msgstr_plural.values()) or [each.msgstr] for each in entries
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_compiled_as_it_is_written(language: str) -> None:
    """After an edit: ``make messages``; both files are committed."""
    path = catalog_of(language)
    written = translations(polib.pofile(f"{path}.po"))
    assert translations(polib.mofile(f"{path}.mo")) == written
    assert len(written) > 3_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_has_what_the_check_of_make_lint_asks_for(language: str) -> None:
    """Compared with itself: placeholders, tags and plural forms. That no text is missing, makemessages says."""
    catalog = polib.pofile(f"{catalog_of(language)}.po")
    assert list(problems_of(catalog, catalog)) == []


@pytest.mark.parametrize(
    ("language", "connections", "add_destination", "email", "two_days"),
    [
        ("zh-hans", "连接", "添加导出", "电子邮件", "2 天前"),
        ("pl", "Połączenia", "Dodaj miejsce docelowe", "E-mail", "2 dni temu"),
        ("ro", "Conexiuni", "Adăugare destinație", "E-mail", "acum 2 zile"),
        ("fi", "Yhteydet", "Lisää kohde", "Sähköposti", "2 päivää sitten"),
        ("id", "Koneksi", "Tambahkan ekspor", "Email", "2 hari yang lalu"),
    ],
)
def test_it_uses_the_words_that_people_know(
    language: str, connections: str, add_destination: str, email: str, two_days: str
) -> None:
    with override(language):
        assert (_("Connections"), _("Add destination"), _("Email")) == (connections, add_destination, email)
        assert ngettext("%(n)d day ago", "%(n)d days ago", 2) % {"n": 2} == two_days

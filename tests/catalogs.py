"""Compare the catalogs of translations with the texts of the sources.

    python -m tests.catalogs            ends with an error when a text is not translated, a text of a template is
                                        not marked, or a text quotes a label in other words than it has
    python -m tests.catalogs --update   adds new texts to the catalogs, deletes unused ones, and compiles them

The texts are those that makemessages extracts, which needs GNU gettext.
"""

import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import django
import polib
import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from django.utils.translation import to_locale

from tests.catalog_texts import differing_labels, unknown_labels, unmarked_texts

_ROOT = Path(__file__).resolve().parents[1]
_FOLDER = _ROOT / "config" / "locale"
_IGNORED = [".venv", "var", "tests", "static", "node_modules", "config/locale"]
_PLACE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|%%")
_TAG = re.compile(r"</?(\w+)")


def main(arguments: list[str]) -> None:
    """Check or update every catalog."""
    django.setup()
    texts = extract()
    languages = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    problems = [*unmarked_texts(_ROOT / "templates"), *unknown_labels(texts)]
    for language in languages:
        path = _FOLDER / to_locale(language) / "LC_MESSAGES" / "django.po"
        catalog = polib.pofile(str(path), wrapwidth=0)
        if "--update" in arguments:
            update(catalog, texts)
            catalog.save()
            catalog.save_as_mofile(str(path.with_suffix(".mo")))
        found = [*problems_of(catalog, texts), *differing_labels(catalog)]
        sys.stdout.write(f"{language}: {len(catalog.translated_entries())} of {len(texts)} texts translated\n")
        problems += [f"{language}: {problem}" for problem in found]
    if problems and "--update" not in arguments:
        sys.exit(
            "\n".join(problems[:50])
            + f"\n{len(problems)} problems. New and unused texts: python -m tests.catalogs --update"
        )


def extract() -> polib.POFile:
    """Extract the texts of templates, of Python sources, and of the security controls."""
    with tempfile.TemporaryDirectory(prefix="segment-exports-catalogs-") as folder:
        with override_settings(LOCALE_PATHS=[folder]):
            options = {"locale": ["pl"], "no_location": True, "no_wrap": True, "verbosity": 0}
            call_command("makemessages", ignore_patterns=_IGNORED, **options)
        (path,) = Path(folder).rglob("django.po")
        texts = polib.pofile(str(path))
    known = {text.msgid for text in texts}
    texts.extend(polib.POEntry(msgid=text) for text in _texts_of_security_controls() if text not in known)
    return texts


def _texts_of_security_controls() -> list[str]:
    """Return the texts of the page of security, which a template translates by variables."""
    groups = yaml.safe_load((_ROOT / "config/console/security_controls.yaml").read_text(encoding="utf-8"))
    texts = [group["title"] for group in groups]
    texts += [threat[name] for group in groups for threat in group["threats"] for name in ("threat", "control")]
    return list(dict.fromkeys(texts))


def update(catalog: polib.POFile, texts: polib.POFile) -> None:
    """Add the texts that a catalog does not have, and delete those that are no longer used."""
    known = {_name(entry): entry for entry in catalog if not entry.obsolete}
    catalog.clear()
    for text in sorted(texts, key=_name):
        entry = polib.POEntry(msgid=text.msgid, msgid_plural=text.msgid_plural, msgctxt=text.msgctxt)
        entry.flags = [flag for flag in text.flags if flag.endswith("-format")]
        before = known.get(_name(text))
        if before is not None:
            entry.msgstr, entry.msgstr_plural = before.msgstr, before.msgstr_plural
        elif text.msgid_plural:
            entry.msgstr_plural = dict.fromkeys(range(forms(catalog)), "")
        catalog.append(entry)


def forms(catalog: polib.POFile) -> int:
    """Return how many plural forms the language of a catalog has."""
    found = re.search(r"nplurals=(\d)", catalog.metadata["Plural-Forms"])
    assert found is not None, "the header of a catalog has the plural forms"
    return int(found[1])


def problems_of(catalog: polib.POFile, texts: polib.POFile) -> Iterator[str]:
    """Find texts that are missing, empty, fuzzy or unused, and translations without a placeholder or tag of their
    text."""
    known = {_name(entry): entry for entry in catalog if not entry.obsolete}
    wanted = {_name(text) for text in texts}
    yield from (f"not in the sources: {name[1]!r}" for name in known if name not in wanted)
    for name in sorted(wanted):
        entry = known.get(name)
        if entry is None:
            yield f"missing: {name[1]!r}"
        elif entry.fuzzy:
            yield f"fuzzy: {name[1]!r}"
        else:
            yield from _problems_of_entry(entry, forms(catalog))


def _problems_of_entry(entry: polib.POEntry, number_of_forms: int) -> Iterator[str]:
    given = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if not all(given) or (entry.msgid_plural and len(given) != number_of_forms):
        yield f"not translated: {entry.msgid!r}"
        return
    sources = [entry.msgid, entry.msgid_plural or entry.msgid]
    for text in given:
        if _marks(text) not in [_marks(source) for source in sources]:
            yield f"placeholders or tags differ: {entry.msgid!r}: {text!r}"


def _marks(text: str) -> Counter[str]:
    """Return the placeholders and tags of a text, with their number."""
    return Counter(_PLACE.findall(text) + _TAG.findall(text))


def _name(entry: polib.POEntry) -> tuple[str, str, str]:
    return entry.msgctxt or "", entry.msgid, entry.msgid_plural


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if shutil.which("xgettext") is None:
        sys.exit("Missing on this machine: xgettext. As root: apt-get install gettext")
    main(sys.argv[1:])

"""The check of the catalogs names each text that is not translated, and each translation that lacks a part."""

import polib
import pytest

from tests.catalogs import problems_of, update


def catalog(*entries: polib.POEntry) -> polib.POFile:
    made = polib.POFile()
    made.metadata = {"Plural-Forms": "nplurals=2; plural=(n != 1);"}
    made.extend(entries)
    return made


def entry(text: str, translation: str = "", **more: object) -> polib.POEntry:
    return polib.POEntry(msgid=text, msgstr=translation, **more)


TEXTS = catalog(entry("Run %(n)d of <b>{name}</b>"))


@pytest.mark.parametrize(
    ("known", "problem"),
    [
        ([], "missing"),
        ([entry("Run %(n)d of <b>{name}</b>")], "not translated"),
        ([entry("Run %(n)d of <b>{name}</b>", "Suoritus %(n)d", flags=["fuzzy"])], "fuzzy"),
        ([entry("Run %(n)d of <b>{name}</b>", "Suoritus <b>{name}</b>")], "placeholders or tags differ"),
        ([entry("Run %(n)d of <b>{name}</b>", "Suoritus %(n)d: {name}")], "placeholders or tags differ"),
    ],
)
def test_a_text_that_is_not_translated_is_named(known: list[polib.POEntry], problem: str) -> None:
    (found,) = problems_of(catalog(*known), TEXTS)
    assert found.startswith(problem)


def test_a_translation_with_all_parts_in_another_order_is_right() -> None:
    translated = entry("Run %(n)d of <b>{name}</b>", "<b>{name}</b>, suoritus %(n)d")
    assert not list(problems_of(catalog(translated), TEXTS))


def test_a_text_that_is_no_longer_used_is_named() -> None:
    (found,) = problems_of(catalog(entry("Old", "Vanha")), catalog())
    assert found == "not in the sources: 'Old'"


def test_every_plural_form_is_asked_for() -> None:
    text = entry("{n} run", msgid_plural="{n} runs")
    half = entry("{n} run", msgid_plural="{n} runs", msgstr_plural={0: "{n} suoritus", 1: ""})
    (found,) = problems_of(catalog(half), catalog(text))
    assert found == "not translated: '{n} run'"


def test_one_of_several_may_leave_out_the_number() -> None:
    text = entry("A run", msgid_plural="{n} runs")
    forms = entry("A run", msgid_plural="{n} runs", msgstr_plural={0: "Suoritus", 1: "{n} suoritusta"})
    assert not list(problems_of(catalog(forms), catalog(text)))


def test_an_update_keeps_translations_adds_new_texts_and_deletes_unused_ones() -> None:
    known = catalog(entry("Kept", "Pidetty"), entry("Old", "Vanha"))
    update(known, catalog(entry("Kept"), entry("New")))
    assert [(each.msgid, each.msgstr) for each in known] == [("Kept", "Pidetty"), ("New", "")]

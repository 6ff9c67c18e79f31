"""Translations use the words of the documentation that users know; each difference has a reason."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils.translation import gettext as _
from django.utils.translation import override

REASONS = {"in a sentence", "mistranslated", "another word for one thing", "another page"}
_DATA: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("customer_terms.yaml").read_text(encoding="utf-8"))
TERMS: dict[str, dict[str, list[str]]] = _DATA["terms"]
DIFFERENCES = {(each["language"], each["text"]): each for each in _DATA["differences"]}
# The documentation has another verb for this button in each language; in English it is that of its page.
ADD_DESTINATION = {
    "zh-hans": "添加导出",
    "pl": "Dodaj miejsce docelowe",
    "ro": "Adăugare destinație",
    "fi": "Lisää kohde",
    "id": "Tambahkan ekspor",
}


@pytest.mark.parametrize("language", ADD_DESTINATION)
def test_it_uses_the_words_of_the_documentation(language: str) -> None:
    with override(language):
        for text, words in TERMS.items():
            difference = DIFFERENCES.get((language, text))
            expected = [difference["translation"]] if difference else words.get(language, [_(text)])
            assert _(text) in expected, text


@pytest.mark.parametrize("language", ADD_DESTINATION)
def test_the_button_for_a_new_export_has_the_word_of_the_documentation(language: str) -> None:
    with override(language):
        assert _("Add destination") == ADD_DESTINATION[language]


def test_each_difference_is_one_and_has_a_reason() -> None:
    for (language, text), difference in DIFFERENCES.items():
        assert difference["translation"] not in TERMS[text][language], (language, text)
        assert difference["reason"] in REASONS, (language, text)

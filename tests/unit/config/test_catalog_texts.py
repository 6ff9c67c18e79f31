"""The check of texts names each text of a template that is not marked, and each label that is quoted wrongly."""

from pathlib import Path

import pytest

from tests.catalog_texts import differing_labels, unknown_labels, unmarked_texts
from tests.unit.config.test_catalogs import catalog, entry


@pytest.mark.parametrize(
    "html",
    [
        "<p>Run the export</p>",
        '<button aria-label="Close"></button>',
        '<div data-text-more="More"></div>',
        "{% if a %}Yes{% else %}{{ no }}{% endif %}",
        "{% translate 'Run' %} now",
    ],
)
def test_an_unmarked_text_is_named_with_its_line(tmp_path: Path, html: str) -> None:
    (tmp_path / "page.html").write_text(f"{{# a\nb #}}\n{html}")
    (found,) = unmarked_texts(tmp_path)
    assert found.startswith("page.html:3: not marked: ")


@pytest.mark.parametrize(
    "html",
    [
        '<p title="{% translate "Run" %}">{% translate "Run the export" %}: {{ name }} –</p>',
        "{% blocktranslate with n=1 %}Run {{ n }}\nexports{% endblocktranslate %}{# Run #}",
        "{% comment %} Takes `run`. {% endcomment %}<code>manage.py up</code><p class='muted'>HTTP 2,5</p>",
    ],
)
def test_marked_texts_and_what_is_no_text_are_right(tmp_path: Path, html: str) -> None:
    (tmp_path / "page.html").write_text(html)
    assert not list(unmarked_texts(tmp_path))


LABEL = entry("Add user", "Lisää käyttäjä")


@pytest.mark.parametrize(
    "text", ["Open “Add user” here.", "Choose Add user.", "Go to Admin > Add user, then wait."]
)
def test_a_label_in_other_words_is_named(text: str) -> None:
    (found,) = differing_labels(catalog(LABEL, entry(text, "Valitse Lisää henkilö.")))
    assert "'Add user' is 'Lisää käyttäjä'" in found
    assert not list(differing_labels(catalog(LABEL, entry(text, "Valitse Lisää käyttäjä."))))


def test_the_longest_label_counts() -> None:
    longer = entry("Add users again", "Lisää uudelleen")
    text = entry("Choose Add users again.", "Valitse Lisää uudelleen.")
    assert not list(differing_labels(catalog(LABEL, longer, text)))


def test_a_label_that_was_renamed_is_named() -> None:
    assert list(unknown_labels(catalog(LABEL, entry("Choose “Add person”."))))
    assert not list(unknown_labels(catalog(LABEL, entry("Choose “Add user” for “%(name)s”."))))

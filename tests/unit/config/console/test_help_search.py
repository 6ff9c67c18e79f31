"""The help is found by words in its sections, whose headings can be linked to."""

import pytest

from config.console.help_search import Section, search, sections_of, titles, with_heading_ids

PAGE = with_heading_ids(
    "<p>About exports.</p>"
    "<h2>Schedule</h2><p>An export runs <b>daily</b>.</p><ul><li>weekly</li><li>monthly</li></ul>"
    "<h3>Time zone</h3><p>It is that of the environment &amp; of its schedule.</p>"
    '<h2 id="control">Control group</h2><p>Held out.</p>'
)


def found(words: str) -> list[str]:
    return [each.id for each in search(words, sections_of("exports", PAGE))]


def test_a_heading_has_its_own_id_or_its_number() -> None:
    assert 'id="section-1">Schedule' in PAGE
    assert 'id="section-2">Time zone' in PAGE
    assert 'id="control">Control group' in PAGE


def test_a_section_is_what_follows_a_heading() -> None:
    sections = sections_of("exports", PAGE)
    assert [(each.id, each.title) for each in sections] == [
        ("", ""),
        ("section-1", "Schedule"),
        ("section-2", "Time zone"),
        ("control", "Control group"),
    ]
    assert sections[1].text == "An export runs daily . weekly monthly"
    assert sections[2].text == "It is that of the environment & of its schedule."


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("DAILY", ["section-1"]),
        ("time environment", ["section-2"]),
        ("schedule", ["section-1", "section-2"]),  # a title comes first
        ("exports", [""]),
        ("daily environment", []),
        ("", []),
        ("<b>", []),
    ],
)
def test_a_section_is_found_that_has_all_words(words: str, ids: list[str]) -> None:
    assert found(words) == ids


def test_a_result_shows_the_text_around_the_word() -> None:
    long = Section("a", "b", "Title", "x " * 200 + "needle" + " y" * 200, is_main=True)
    (hit,) = search("needle", [long])
    assert "needle" in hit.text
    assert hit.text.startswith("… ")
    assert hit.text.endswith(" …")
    assert len(hit.text) < 210


def test_the_contents_of_a_page_are_its_main_headings() -> None:
    assert titles(sections_of("exports", PAGE)) == {"section-1": "Schedule", "control": "Control group"}

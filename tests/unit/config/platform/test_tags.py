"""Texts of tags."""

import pytest

from config.platform.tags.forms import why_refused
from config.platform.tags.texts import MAX_TAG_LENGTH, MAX_TAGS, are_too_many, changed_tags, split_tags


def test_tags_are_separated_by_commas_and_differ_whatever_their_case() -> None:
    assert split_tags(" Nordic,  nordic, two   words,,") == ["Nordic", "two words"]


@pytest.mark.parametrize(
    ("add", "remove", "expected"),
    [
        (["new"], [], ["News", "VIP", "new"]),
        (["news"], [], ["News", "VIP"]),
        ([], ["news"], ["VIP"]),
        (["news"], ["News"], ["VIP", "news"]),
        ([], ["unknown"], ["News", "VIP"]),
    ],
)
def test_tags_are_added_at_the_end_and_removed(add: list[str], remove: list[str], expected: list[str]) -> None:
    assert changed_tags(["News", "VIP"], add=add, remove=remove) == expected


def test_a_row_has_a_limited_number_of_short_tags() -> None:
    assert not are_too_many([f"tag {n}" for n in range(MAX_TAGS)])
    assert are_too_many([f"tag {n}" for n in range(MAX_TAGS + 1)])
    assert are_too_many(["x" * (MAX_TAG_LENGTH + 1)])


def test_a_refusal_names_the_tag_that_is_too_long() -> None:
    assert why_refused(["short", "y" * 41]) == f"“{'y' * 41}” is too long. A tag has at most 40 characters."
    assert why_refused([str(n) for n in range(11)]) == "At most 10 tags of at most 40 characters."

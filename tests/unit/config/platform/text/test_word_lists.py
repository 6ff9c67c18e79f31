"""Words are joined as the language of the reader writes lists."""

import pytest
from django.utils.translation import override

from config.platform.text.word_lists import join_words


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "a, b"), ("fi", "a, b"), ("pl", "a, b"), ("zh-hans", "a、b")]
)
def test_words_are_joined(language: str, expected: str) -> None:
    with override(language):
        assert join_words(iter(["a", "b"])) == expected
        assert join_words(["a"]) == "a"
        assert join_words([]) == ""

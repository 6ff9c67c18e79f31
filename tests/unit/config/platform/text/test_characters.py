"""Trimming of invisible characters."""

import sys
import unicodedata

import pytest

from config.platform.text.addresses import INVISIBLE, trim_invisible


def test_every_space_control_and_format_character_of_unicode_is_trimmed() -> None:
    missing = [
        f"U+{point:04X}"
        for point in range(sys.maxunicode + 1)
        if (chr(point).isspace() or unicodedata.category(chr(point)) in {"Cc", "Cf", "Zl", "Zp", "Zs"})
        and chr(point) not in INVISIBLE
    ]
    assert missing == []


def test_nothing_that_can_be_seen_is_trimmed() -> None:
    visible = {"L", "N", "P", "S"}
    blank_all_the_same = set("\u115f\u1160\u3164\uffa0\u2800")
    wrong = [c for c in INVISIBLE if unicodedata.category(c)[0] in visible and c not in blank_all_the_same]
    assert wrong == []


@pytest.mark.parametrize(
    "around", ["\u00a0", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", " \t\r\n"]
)
def test_what_stands_around_goes_and_what_stands_within_stays(around: str) -> None:
    assert trim_invisible(f"{around}a{around}b{around}{around}") == f"a{around}b"

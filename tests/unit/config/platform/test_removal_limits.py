"""Removals that look like a mistake: more than ten and more than a fifth, or at least half."""

import pytest

from config.platform.removal_limits import is_half, is_large


@pytest.mark.parametrize(
    ("count", "total", "expected"),
    [(10, 10, False), (11, 55, False), (11, 54, True), (2_000, 10_000, False), (2_001, 10_000, True)],
)
def test_more_than_ten_and_more_than_a_fifth_are_large(count: int, total: int, expected: bool) -> None:
    assert is_large(count, total) is expected


@pytest.mark.parametrize(
    ("count", "total", "expected"), [(0, 0, False), (0, 5, False), (1, 3, False), (1, 2, True), (2, 3, True)]
)
def test_half_is_half_however_few(count: int, total: int, expected: bool) -> None:
    assert is_half(count, total) is expected

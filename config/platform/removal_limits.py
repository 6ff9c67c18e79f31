"""Say how many removals look like a mistake, so that a person confirms them first: of contacts from a list, and of
profiles from a data source."""

from typing import Final

LARGE_NUMBER: Final = 10
LARGE_SHARE: Final = 0.2


def is_large(count: int, total: int) -> bool:
    """Say whether ``count`` of ``total`` are more than ten, and more than a fifth."""
    return count > LARGE_NUMBER and count > total * LARGE_SHARE


def is_half(count: int, total: int) -> bool:
    """Say whether ``count`` of ``total`` are at least half, however few they are."""
    return 0 < count * 2 >= total

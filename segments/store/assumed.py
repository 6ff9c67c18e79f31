"""Assume for a block of code that segments were refreshed by their present rules, which may not be committed: so
the plan of an export can be computed before the rules are saved. Within a transaction that is rolled back."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_assumed: ContextVar[frozenset[int]] = ContextVar("assumed_segments", default=frozenset())


@contextmanager
def assuming(segment_ids: Collection[int]) -> Iterator[None]:
    """Let the members of these segments be the profiles that match their rules, inside the block."""
    token = _assumed.set(frozenset(segment_ids))
    try:
        yield
    finally:
        _assumed.reset(token)


def is_assumed(segment_id: int) -> bool:
    """Tell whether the rules of a segment say who its members are, rather than its member set."""
    return segment_id in _assumed.get()


def assumed_of(segment_ids: Collection[int]) -> list[int]:
    """Return those of the segments whose rules say who their members are."""
    return sorted(_assumed.get().intersection(segment_ids))

"""Who uses a segment. Apps above this one register a function; pages here ask without knowing them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """One thing that uses a segment, with the address of its page."""

    kind: str
    name: str
    url: str


UsesOf = Callable[[int], Sequence[Use]]
CountsOf = Callable[[Collection[int]], Mapping[int, int]]
_registered: list[tuple[UsesOf, CountsOf | None]] = []


def register(uses_of: UsesOf, counts_of: CountsOf | None = None) -> None:
    """Let ``uses_of(segment_id)`` be asked whenever a page shows who uses a segment; ``counts_of`` answers for a
    whole list at once with how many use each."""
    _registered.append((uses_of, counts_of))


def uses_of(segment_id: int) -> list[Use]:
    """Everything that uses the segment."""
    return [use for registered, _ in _registered for use in registered(segment_id)]


def counts_of(segment_ids: Collection[int]) -> dict[int, int]:
    """How many things use each of the segments."""
    totals = dict.fromkeys(segment_ids, 0)
    for registered, counts in _registered:
        found = counts(segment_ids) if counts else {pk: len(registered(pk)) for pk in segment_ids}
        for pk, count in found.items():
            totals[pk] += count
    return totals

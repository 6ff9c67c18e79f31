"""Who uses a segment. Apps above this one register a function; pages here ask without knowing them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """One thing that uses a segment, with the address of its page."""

    kind: str
    name: str
    url: str


UsesOf = Callable[[int], Sequence[Use]]
_registered: list[UsesOf] = []


def register(uses_of: UsesOf) -> None:
    """Let ``uses_of(segment_id)`` be asked whenever a page shows who uses a segment."""
    _registered.append(uses_of)


def uses_of(segment_id: int) -> list[Use]:
    """Everything that uses the segment."""
    return [use for registered in _registered for use in registered(segment_id)]

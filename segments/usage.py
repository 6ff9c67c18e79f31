"""Who uses a segment. Apps above this one register a function; pages here ask without knowing them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.db import transaction

from config.platform.accounts.models import User


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


# -- putting a segment into what uses it -----------------------------------------------------------------------


class CannotBePut(Exception):
    """It cannot be put there, or taken out, now; the text says why."""


@dataclass(frozen=True)
class Place:
    """One thing that holds the segment or could; ``obstacle`` says why that cannot be changed by whoever asks."""

    key: str
    name: str
    url: str
    holds: bool
    obstacle: str = ""


class Holder(Protocol):
    """An app whose things hold segments."""

    def places(self, segment_id: int, user: User) -> Sequence[Place]: ...

    def new_place(self, segment_id: int, user: User) -> str:
        """The address where a new one is made with this segment; empty where the person may not."""
        ...

    def put(self, key: str, segment_id: int, *, holds: bool, by: User) -> None:
        """Let one of its things hold the segment, or not. Raises CannotBePut and PermissionDenied."""
        ...


_holders: list[Holder] = []


def register_holder(holder: Holder) -> None:
    """Let segments be put into the things of an app."""
    _holders.append(holder)


def places_for(segment_id: int, user: User) -> list[Place]:
    """All that holds the segment and all that could, those that do first."""
    found = [place for holder in _holders for place in holder.places(segment_id, user)]
    return sorted(found, key=lambda place: (not place.holds, place.name.casefold()))


def new_places_for(segment_id: int, user: User) -> list[str]:
    """Where somebody can make a new thing with this segment."""
    return [address for holder in _holders if (address := holder.new_place(segment_id, user))]


@transaction.atomic
def put(segment_id: int, *, into: Collection[str], out_of: Collection[str], by: User) -> None:
    """Put the segment into things and take it out of others, by their keys: all or nothing. Raises CannotBePut and
    PermissionDenied."""
    for holder in _holders:
        for key in [*into, *out_of]:
            holder.put(key, segment_id, holds=key in into, by=by)

"""Who uses a connection, and what can be done about it. Apps above this one register a function; pages and actions
here ask without knowing them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from config.platform.accounts.models import User


class Verb(StrEnum):
    """What becomes of a thing when the connection that it uses is removed."""

    REMOVE = "remove"
    DETACH = "detach"


class StillBusy(Exception):
    """The thing is at work over the connection: it has to stop first."""


# Done in the name of somebody; None is the system itself.
BatchOperation = Callable[[User | None], None]


def _impossible(_by: User | None) -> None:
    raise NotImplementedError("whoever registered this use offers no such action")


@dataclass(frozen=True)
class Use:
    """One thing that uses a connection, with the address of its page. ``key`` names it among all uses;
    ``is_busy``: it works over the connection at this moment. ``remove`` and ``detach`` raise StillBusy; ``stop``
    asks it to stop and returns at once."""

    kind: str
    name: str
    url: str
    key: str = ""
    is_busy: bool = False
    remove: BatchOperation = field(default=_impossible, repr=False, compare=False)
    detach: BatchOperation = field(default=_impossible, repr=False, compare=False)
    stop: BatchOperation = field(default=_impossible, repr=False, compare=False)
    is_only_stopped: bool = False  # nothing has to be decided: it ends with the connection

    def carry_out(self, verb: Verb, by: User | None) -> None:
        """Remove or detach it; raises StillBusy."""
        (self.remove if verb is Verb.REMOVE else self.detach)(by)


UsesOf = Callable[[int], Sequence[Use]]
CountsOf = Callable[[Collection[int]], Mapping[int, int]]
_registered: list[tuple[UsesOf, CountsOf | None]] = []


def register(uses_of: UsesOf, counts_of: CountsOf | None = None) -> None:
    """Let ``uses_of(connection_id)`` be asked whenever it matters who uses a connection; ``counts_of`` answers for
    a whole list at once with how many use each."""
    _registered.append((uses_of, counts_of))


def uses_of(connection_id: int) -> list[Use]:
    """Everything that uses the connection."""
    return [use for registered, _ in _registered for use in registered(connection_id)]


def counts_of(connection_ids: Collection[int]) -> dict[int, int]:
    """How many things use each of the connections."""
    totals = dict.fromkeys(connection_ids, 0)
    for registered, counts in _registered:
        found = counts(connection_ids) if counts else {pk: len(registered(pk)) for pk in connection_ids}
        for pk, count in found.items():
            totals[pk] += count
    return totals

"""Who uses a connection. Apps above this one register a function; pages here ask without knowing them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """One thing that uses a connection, with the address of its page."""

    kind: str
    name: str
    url: str


UsesOf = Callable[[int], Sequence[Use]]
_registered: list[UsesOf] = []


def register(uses_of: UsesOf) -> None:
    """Let ``uses_of(connection_id)`` be asked whenever a page shows who uses a connection."""
    _registered.append(uses_of)


def uses_of(connection_id: int) -> list[Use]:
    """Everything that uses the connection."""
    return [use for registered in _registered for use in registered(connection_id)]

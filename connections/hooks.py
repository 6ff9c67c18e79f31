"""Define what connections ask of exports: which exports use a connection, and which attributes exist.

``exports/hooks/`` implements the protocol and ``exports/apps.py`` sets the implementation when Django starts, so
that connections need not import exports.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from config.platform.accounts.models import User


class OnRemoval(StrEnum):
    """What happens to an export when the connection that it uses is removed."""

    REMOVE = "remove"
    DETACH = "detach"


class StillBusy(Exception):
    """An export works over the connection now: it has to stop first."""


@dataclass(frozen=True)
class Usage:
    """A thing that uses a connection, with the address of its page. ``key`` names it among all usages.
    ``is_busy``: it works over the connection now. ``is_only_stopped``: it ends with the connection, so there is
    nothing to choose."""

    kind: str
    name: str
    url: str
    key: str = ""
    is_busy: bool = False
    is_only_stopped: bool = False


@dataclass(frozen=True)
class LimitAttribute:
    """An attribute that limits can name; ``is_yes_or_no``: it can be required to be true."""

    name: str
    is_yes_or_no: bool


class ConnectionUsers(Protocol):
    """The things that use connections, by the keys of their usages. ``by`` is None for the system itself."""

    def usages(self, connection_id: int) -> Sequence[Usage]:
        """Return everything that uses the connection, by name."""
        ...

    def usage_counts(self, connection_ids: Collection[int]) -> Mapping[int, int]:
        """Count what uses each connection, in one query; connections that nothing uses may be missing."""
        ...

    def stop(self, key: str, *, by: User | None) -> None:
        """Ask the thing to stop its work, and return at once."""
        ...

    def carry_out(self, key: str, choice: OnRemoval, *, by: User | None) -> None:
        """Remove or detach the thing; nothing if it is gone. Raises StillBusy."""
        ...

    def attributes(self) -> Sequence[LimitAttribute]:
        """Return all attributes of profiles, by name."""
        ...


connection_users: ConnectionUsers

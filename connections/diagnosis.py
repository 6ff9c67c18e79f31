"""“Does this connection work?”, for credentials that were just typed in and for those that are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connections import credentials
from connections.destinations.values import Access, CheckStep
from connections.models import Connection


@dataclass(frozen=True)
class Diagnosis:
    """The steps of a check, and what they add up to."""

    steps: Sequence[CheckStep]

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps)

    @property
    def asks_for(self) -> str:
        """The name of the input that is missing; empty when none is."""
        return next((step.asks_for for step in self.steps if step.asks_for), "")

    @property
    def learned(self) -> dict[str, str]:
        """Facts about the account that the connection keeps."""
        return {name: value for step in self.steps for name, value in step.learned.items()}


def try_typed(connection: Connection, secrets: Mapping[str, str], options: Mapping[str, str]) -> Diagnosis:
    """Check credentials that are not stored yet. ``connection``, saved or not, says where; nothing is kept.
    Raises NotConnected when there is no address to ask."""
    access = credentials.access_with(connection, dict(secrets))
    return _check(connection, Access(access.base_url, access.credentials, dict(options)))


def try_stored(connection: Connection) -> Diagnosis:
    """Check the stored credentials; raises NotConnected when there are none."""
    return _check(connection, credentials.access(connection))


def _check(connection: Connection, access: Access) -> Diagnosis:
    return Diagnosis(connection.destination.check(access))

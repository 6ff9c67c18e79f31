"""What may be asked of one run alone. Schedules ask nothing of the kind."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class RunOptions:
    """Without any, a run sends the difference and lets its guards hold removals."""

    everyone: bool = False  # also those who have not changed
    resubscribe: bool = False  # contacts that the list had suppressed when it was asked
    # Restore the subscribers that this run of the export removed, and send no other contact.
    restores: int | None = None
    # Up to so many people a person has agreed to remove; None: the guards judge.
    confirmed_removals: int | None = None
    # How they have agreed to it, as frozen settings have it; so it is done by a cleanup. An ordinary run whose
    # export does something else by then has not been agreed to.
    removal: Mapping[str, Any] | None = None

    @classmethod
    def kept(cls, kept: Mapping[str, Any]) -> Self:
        """From what a run keeps."""
        return cls(**{name: value for name, value in kept.items() if name in cls.__dataclass_fields__})

    def keep(self) -> dict[str, Any]:
        """As a run keeps it: what differs from an ordinary run."""
        return {name: value for name, value in asdict(self).items() if value}


ORDINARY = RunOptions()

"""Show schedules on lists and pages, with the state of the system refresh that some of them follow.

The schedule of the system refresh is a row of config.console, which the apps below never import; it registers a
function here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from config.platform.jobs.models import Schedule
from config.platform.schedules import describe


@dataclass(frozen=True)
class SystemState:
    """``next_due_at`` is None while it is off."""

    is_on: bool = False
    next_due_at: datetime | None = None


_registered: list[Callable[[], SystemState]] = []


def register_system_state(answer: Callable[[], SystemState]) -> None:
    """Register the function that reads the state of the system refresh."""
    _registered.append(answer)


def system_state() -> SystemState:
    """Read the state of the system refresh. Costs a query: ask once a page."""
    return _registered[-1]() if _registered else SystemState()


@dataclass(frozen=True)
class ShownSchedule:
    """A schedule as pages show it. ``schedule`` is None where none was chosen: the system refresh decides.
    ``system`` is read once a page."""

    schedule: Schedule | None
    system: SystemState

    @property
    def is_on(self) -> bool:
        """Its own switch."""
        return self.schedule is None or self.schedule.is_on

    @property
    def words(self) -> str:
        return describe.describe_schedule(self.schedule)

    @property
    def waits_for_system(self) -> bool:
        """Return whether it would run with the system refresh, which is off."""
        follows = self.schedule is None or self.schedule.runs_with_system
        return follows and not self.system.is_on

    @property
    def next_at(self) -> datetime | None:
        if self.schedule is None or self.schedule.runs_with_system:
            return self.system.next_due_at
        return self.schedule.due_at

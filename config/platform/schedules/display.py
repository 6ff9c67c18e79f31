"""A schedule as lists and pages show it."""

from dataclasses import dataclass
from datetime import datetime

from config.platform.jobs.models import Schedule
from config.platform.schedules import choose
from config.platform.schedules.system_schedule import State


@dataclass(frozen=True)
class ShownSchedule:
    """A schedule as pages show it. ``schedule`` is None where none was chosen: the system refresh decides.
    ``system`` is read once a page."""

    schedule: Schedule | None
    system: State

    @property
    def is_on(self) -> bool:
        """Its own switch."""
        return self.schedule is None or self.schedule.is_on

    @property
    def words(self) -> str:
        return choose.words(self.schedule)

    @property
    def waits_for_system(self) -> bool:
        """Whether it would run with the system refresh, which is off."""
        follows = self.schedule is None or self.schedule.runs_with_system
        return follows and not self.system.is_on

    @property
    def next_at(self) -> datetime | None:
        if self.schedule is None or self.schedule.runs_with_system:
            return self.system.next_due_at
        return self.schedule.due_at

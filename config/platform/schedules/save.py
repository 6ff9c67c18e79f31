"""Save the schedule that a user chose, with an audit record."""

from collections.abc import Mapping
from typing import Any, TypeVar

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs.models import Schedule
from config.platform.schedules import describe, ticks
from config.platform.web.versions import take_version

ScheduleT = TypeVar("ScheduleT", bound=Schedule)


def save_schedule(
    schedule: ScheduleT, *, is_on: bool, rule: Mapping[str, Any] | None, version: int, by: User | None
) -> ScheduleT:
    """Save a schedule, in the caller's transaction. Raises StaleEdit when another user saved since ``version`` was
    read, and WrongRule."""
    take_version(schedule, version)
    before = describe.describe_schedule(schedule)
    ticks.set_schedule(schedule, is_on=is_on, rule=rule)
    schedule.save(update_fields=["is_on", "rule", "due_at"])
    changes = {"schedule": (before, describe.describe_schedule(schedule))}
    record("scheduled", schedule, by=by, changes=changes, version=schedule.version)
    return schedule

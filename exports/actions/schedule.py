"""When exports run by themselves: choosing it. What a tick starts is in scheduler/start_due.py."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.schedules import describe, ticks
from config.platform.web.versions import take_version
from exports import permissions
from exports.models import Export, ExportSchedule


def schedule_of(export: Export) -> ExportSchedule:
    """Return the schedule of the export; a new one, not saved, while none was chosen."""
    found: ExportSchedule | None = getattr(export, "schedule", None)
    return found or ExportSchedule(export=export)


def switched_on() -> "QuerySet[Export]":
    """Exports that run by themselves, by whichever schedule."""
    return Export.objects.filter(Q(schedule=None) | Q(schedule__is_on=True), removal_asked_at=None)


def running_with_system() -> "QuerySet[Export]":
    """Exports that every system refresh runs."""
    return switched_on().filter(Q(schedule=None) | Q(schedule__rule__isnull=True))


def copy_switched_off(export: Export, copy: Export) -> None:
    """Give ``copy`` the schedule of ``export``, switched off."""
    ExportSchedule.objects.create(export=copy, is_on=False, rule=schedule_of(export).rule)


@transaction.atomic
def set_schedule(
    export: Export, *, is_on: bool, rule: Mapping[str, Any] | None, version: int, by: User | None
) -> ExportSchedule:
    """Choose when ``export`` runs on schedule. Raises StaleEdit when it was changed since ``version`` was read,
    PermissionDenied, and WrongRule."""
    locked = Export.objects.select_for_update(of=("self",)).select_related("connection").get(pk=export.pk)
    if by is not None:
        permissions.check_can_manage(by, locked)
    schedule, _created = ExportSchedule.objects.get_or_create(export=locked)
    take_version(schedule, version)
    before = describe.describe_schedule(schedule)
    ticks.set_schedule(schedule, is_on=is_on, rule=rule)
    schedule.save(update_fields=["is_on", "rule", "due_at"])
    changes = {"schedule": (before, describe.describe_schedule(schedule))}
    record("scheduled", schedule, by=by, changes=changes, version=schedule.version)
    return schedule

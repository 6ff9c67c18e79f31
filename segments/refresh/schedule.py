"""When segments are refreshed by themselves: choosing it. What a tick starts is in start_due.py."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.schedules import choose
from config.platform.web.versions import take_version
from segments.models import Segment, SegmentSchedule
from segments.permissions import check_can_manage_segments


def schedule_of(segment: Segment) -> SegmentSchedule:
    """The segment's schedule; a new one, not saved, while nobody has chosen any."""
    found: SegmentSchedule | None = getattr(segment, "schedule", None)
    return found or SegmentSchedule(segment=segment)


def refreshed_with_system() -> "QuerySet[Segment]":
    """Segments that every system refresh draws again."""
    return Segment.objects.filter(Q(schedule=None) | Q(schedule__is_on=True, schedule__rule__isnull=True))


def copy_switched_off(segment: Segment, copy: Segment) -> None:
    """Let ``copy`` have the schedule of ``segment``, and rest until somebody switches it on."""
    SegmentSchedule.objects.create(segment=copy, is_on=False, rule=schedule_of(segment).rule)


@transaction.atomic
def set_schedule(
    segment: Segment, *, is_on: bool, rule: Mapping[str, Any] | None, version: int, by: User | None
) -> SegmentSchedule:
    """Choose when ``segment`` is refreshed by itself. Raises StaleEdit when somebody has chosen since ``version``
    was read, PermissionDenied, and WrongRule."""
    check_can_manage_segments(by)
    locked = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    schedule, _created = SegmentSchedule.objects.get_or_create(segment=locked)
    take_version(schedule, version)
    before = choose.words(schedule)
    choose.choose(schedule, is_on=is_on, rule=rule)
    schedule.save(update_fields=["is_on", "rule", "due_at"])
    changes = {"schedule": (before, choose.words(schedule))}
    record("scheduled", schedule, by=by, changes=changes, version=schedule.version)
    return schedule

"""When segments are refreshed by themselves: choosing it. What a tick starts is in start_due.py."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs.models import OPEN, TickResult
from config.platform.schedules import describe, ticks
from config.platform.schedules.ticks import Due
from config.platform.web.versions import take_version
from segments.models import Segment, SegmentRefresh, SegmentSchedule, SegmentTick
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
    before = describe.schedule_words(schedule)
    ticks.set_schedule(schedule, is_on=is_on, rule=rule)
    schedule.save(update_fields=["is_on", "rule", "due_at"])
    changes = {"schedule": (before, describe.schedule_words(schedule))}
    record("scheduled", schedule, by=by, changes=changes, version=schedule.version)
    return schedule


def why_not_drawn(segment: Segment) -> str:
    """Why the segment stays as it is, in a sentence; empty when it is drawn as usual."""
    if not segment.is_active:
        return _("The segment is inactive. Activate it to have it refreshed.")
    if segment.is_static and segment.refreshed_at is not None:
        return _("The segment is static and stays as it was drawn. Make it dynamic to have it refreshed.")
    return ""


DueSegment = Due[SegmentSchedule]


@transaction.atomic
def start_due() -> int:
    """Start what is due, one batch of it, and say how many were due."""
    schedules = SegmentSchedule.objects.select_related("segment")
    claimed = ticks.claim_due(schedules, lock=("self", "segment"))
    due = ticks.not_yet_noticed(claimed, SegmentTick.objects.all(), owner="segment")
    to_start = [found for found in due if not found.is_passed_over]
    segments = [found.schedule.segment for found in to_start]
    under_way = {
        refresh.segment_id: refresh
        for refresh in SegmentRefresh.objects.filter(segment__in=segments, status__in=OPEN)
    }
    started = SegmentRefresh.objects.bulk_create(
        SegmentRefresh(segment=segment) for segment in segments if segment.pk not in under_way
    )
    refreshes = under_way | {refresh.segment_id: refresh for refresh in started}
    SegmentTick.objects.bulk_create(_tick(found, refreshes, under_way) for found in due)
    return len(due)


def _tick(
    found: DueSegment, refreshes: Mapping[int, SegmentRefresh], under_way: Mapping[int, SegmentRefresh]
) -> SegmentTick:
    segment_id = found.schedule.segment_id
    if found.is_passed_over:
        return SegmentTick(segment_id=segment_id, result=TickResult.PASSED_OVER, **found.record)
    result = TickResult.JOINED if segment_id in under_way else TickResult.STARTED
    return SegmentTick(segment_id=segment_id, refresh=refreshes[segment_id], result=result, **found.record)

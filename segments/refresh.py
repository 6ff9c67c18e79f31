"""Schedule refreshes of segments, and start those that are due. Inactive and static segments are skipped."""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.jobs.models import OPEN, TickResult
from config.platform.schedules import ticks
from config.platform.schedules.save import save_schedule
from config.platform.schedules.ticks import Due
from segments.models import Segment, SegmentRefresh, SegmentSchedule, SegmentTick
from segments.permissions import check_can_manage_segments

logger = logging.getLogger(__name__)


@transaction.atomic
def start_due_refreshes() -> int:
    """Start the refreshes of one batch of due segments, and record each due moment. Returns how many were due."""
    schedules = SegmentSchedule.objects.select_related("segment")
    claimed = ticks.claim_due(schedules, lock=("self", "segment"))
    due = ticks.not_yet_noticed(claimed, SegmentTick.objects.all(), owner="segment")
    to_start = [found for found in due if not found.is_passed_over]
    segments = [found.schedule.segment for found in to_start]
    under_way = {
        job.segment_id: job for job in SegmentRefresh.objects.filter(segment__in=segments, status__in=OPEN)
    }
    started = SegmentRefresh.objects.bulk_create(
        SegmentRefresh(segment=segment) for segment in segments if segment.pk not in under_way
    )
    refreshes = under_way | {job.segment_id: job for job in started}
    SegmentTick.objects.bulk_create(_tick(found, refreshes, under_way) for found in due)
    return len(due)


def skip_reason(segment: Segment) -> str:
    """Return why a segment is not refreshed, as a sentence for users; empty when it is."""
    if not segment.is_active:
        return _("The segment is inactive. Activate it to refresh it.")
    if segment.is_static and segment.refreshed_at is not None:
        return _("The segment is static and keeps its members. Make it dynamic to refresh it.")
    return ""


def schedule_of(segment: Segment) -> SegmentSchedule:
    """Return the schedule of a segment, or a new unsaved one."""
    found: SegmentSchedule | None = getattr(segment, "schedule", None)
    return found or SegmentSchedule(segment=segment)


@transaction.atomic
def set_schedule(
    segment: Segment, *, is_on: bool, rule: Mapping[str, Any] | None, version: int, by: User | None
) -> SegmentSchedule:
    """Save when a segment is refreshed automatically. Raises StaleEdit when another user saved since
    ``version`` was read, PermissionDenied, and WrongRule."""
    check_can_manage_segments(by)
    locked = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    schedule, _created = SegmentSchedule.objects.get_or_create(segment=locked)
    return save_schedule(schedule, is_on=is_on, rule=rule, version=version, by=by)


def refreshed_with_system() -> "QuerySet[Segment]":
    """Return the segments that every system refresh includes."""
    return Segment.objects.filter(Q(schedule=None) | Q(schedule__is_on=True, schedule__rule__isnull=True))


def copy_schedule_disabled(segment: Segment, copy: Segment) -> None:
    """Copy the schedule of ``segment`` to ``copy``, switched off."""
    SegmentSchedule.objects.create(segment=copy, is_on=False, rule=schedule_of(segment).rule)


DueSegment = Due[SegmentSchedule]


def _tick(
    found: DueSegment, refreshes: Mapping[int, SegmentRefresh], under_way: Mapping[int, SegmentRefresh]
) -> SegmentTick:
    segment_id = found.schedule.segment_id
    if found.is_passed_over:
        return SegmentTick(segment_id=segment_id, result=TickResult.PASSED_OVER, **found.record)
    result = TickResult.JOINED if segment_id in under_way else TickResult.STARTED
    return SegmentTick(segment_id=segment_id, refresh=refreshes[segment_id], result=result, **found.record)

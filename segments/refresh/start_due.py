"""What a tick starts: a refresh of every segment that is due, once for each due moment."""

from collections.abc import Mapping

from django.db import transaction

from config.platform.jobs.models import OPEN, TickResult
from config.platform.schedules import ticks
from config.platform.schedules.ticks import Due
from segments.models import SegmentRefresh, SegmentSchedule, SegmentTick

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

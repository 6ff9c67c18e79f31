"""Request refreshes of segments before an export runs, together with the segments that their rules refer to."""

from collections.abc import Collection

from django.db import transaction

from config.platform.jobs.models import JobStatus
from segments import actions
from segments.models import Segment, SegmentRefresh
from segments.refresh import skip_reason
from segments.rules import references


@transaction.atomic
def request_with_segments_in_rules(segment_ids: Collection[int]) -> bool:
    """Queue refreshes of these segments, of the exclusion segment, and of all that their rules refer to. Returns
    False, without effect, while one of them is being refreshed: that refresh may have read older profiles."""
    segments = _with_segments_in_rules({*segment_ids, *_exclusion()})
    wanted = [segment for segment in segments if not skip_reason(segment)]
    at_work = SegmentRefresh.objects.filter(segment__in=wanted, status=JobStatus.PROCESSING)
    if at_work.exists():
        return False
    for segment in wanted:
        actions.request_refresh(segment, by=None)
    return True


def _exclusion() -> list[int]:
    return list(Segment.objects.filter(is_exclusion=True).values_list("pk", flat=True))


def _with_segments_in_rules(ids: set[int]) -> list[Segment]:
    """Return these segments and those in their rules, each after the segments that it refers to."""
    found: dict[int, Segment] = {}
    while missing := ids - found.keys():
        loaded = Segment.objects.in_bulk(missing)
        found |= loaded
        referenced = set().union(*(references.segments_in(segment.rules) for segment in loaded.values()))
        ids = set(found) | set(Segment.objects.filter(pk__in=referenced).values_list("pk", flat=True))
    order = references.refresh_order({pk: segment.rules for pk, segment in found.items()})
    return [found[pk] for pk in order]

"""Refresh segments, on demand and on schedule: evaluate their rules, write the members as a set to the profile
store, and name it as the current one in one transaction. Inactive and static segments are skipped."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus, TickResult
from config.platform.schedules import ticks
from config.platform.schedules.save import save_schedule
from config.platform.schedules.ticks import Due
from segments import alerts
from segments.models import MemberSet, Segment, SegmentRefresh, SegmentSchedule, SegmentTick
from segments.permissions import check_can_manage_segments
from segments.rules import references
from segments.rules import tree as rules_tree
from segments.segment_rules import segments_referring_to
from segments.store import lake, matching, members
from segments.store.identity import StoreMismatch
from segments.store.members import SetDifference

logger = logging.getLogger(__name__)


def run_refresh(job_id: int) -> SegmentRefresh | None:
    """Claim and run a refresh. Returns the ended job, or None when another worker has it, or while a segment in
    its rules is being refreshed."""
    job = None if _waits_for_another(job_id) else leases.claim(SegmentRefresh(pk=job_id))
    if job is None:
        return None
    if not _begin(job):
        return job
    with leases.hold(job) as lease:
        try:
            while not _evaluate(job, lease):
                pass  # the rules, or the members of a segment in them, changed meanwhile: evaluate them again
        except leases.LeaseLost:
            logger.warning("refresh %s: another worker has taken over", job.pk)
            return None
        except (OperationalError, InterfaceError):
            logger.exception("refresh %s: the database was away; the refresh starts over", job.pk)
            raise
        except Canceled:
            _finish(job, JobStatus.CANCELED)
        except (rules_tree.InvalidRules, StoreMismatch) as invalid:
            _finish(job, JobStatus.FAILED, str(invalid))
        except Exception:
            logger.exception("refresh %s failed", job.pk)
            _finish(
                job,
                JobStatus.FAILED,
                _("An unexpected error occurred. See the log for details. Nothing was changed."),
            )
    return job


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


MAX_ATTEMPTS = 20


class Canceled(Exception):
    """A user requested cancellation."""


def _begin(job: SegmentRefresh) -> bool:
    if job.status == JobStatus.PROCESSING and job.attempt > MAX_ATTEMPTS:
        _finish(job, JobStatus.FAILED, _("The refresh failed after several attempts."))
        return False
    if why := skip_reason(Segment.objects.get(pk=job.segment_id)):
        _finish(job, JobStatus.SKIPPED, why)
        return False
    leases.update_if_owner(job, status=JobStatus.PROCESSING, started_at=job.started_at or clock.now())
    return True


def _waits_for_another(job_id: int) -> bool:
    """Say whether a segment in the rules has an open refresh, which comes first."""
    segment = Segment.objects.filter(refreshes=job_id).first()
    referenced = references.segments_in(segment.rules) if segment else frozenset()
    return bool(referenced) and SegmentRefresh.objects.filter(segment__in=referenced, status__in=OPEN).exists()


def _evaluate(job: SegmentRefresh, lease: leases.HeldLease) -> bool:
    """Write the members and end the job. Returns False, with nothing changed, when the rules, the members of a
    segment in them, or unified profiles changed meanwhile."""
    segment = Segment.objects.get(pk=job.segment_id)
    referenced = references.segments_in(segment.rules)
    sets_before = _member_sets(Segment.objects.filter(pk__in=referenced))
    try:
        difference, new_set = _write_members(job, segment, lease)
    except members.IdentityChanged:
        return False
    with transaction.atomic():
        # In the order of their IDs, as every refresh locks them.
        locked = Segment.objects.select_for_update(no_key=True).filter(pk__in={segment.pk, *referenced})
        by_id = {each.pk: each for each in locked.order_by("pk")}
        current = by_id.pop(segment.pk)
        if current.version != segment.version or _member_sets(by_id.values()) != sets_before:
            return False
        _conclude(job, current, difference, new_set)
    return True


def _member_sets(segments: Iterable[Segment]) -> dict[int, int | None]:
    return {each.pk: each.member_set_id for each in segments}


def _write_members(
    job: SegmentRefresh, segment: Segment, lease: leases.HeldLease
) -> tuple[SetDifference, MemberSet | None]:
    """Write the profiles that match as a new set, unless they are the members already."""
    with lake.reading() as reader:
        matching.find_matching(reader, segment.rules)
        _check_canceled(lease)
        difference = members.compare_matching(reader, segment.member_set_id)
    if difference.is_stored:
        return difference, None
    new_set = MemberSet.objects.create(segment=segment, size=difference.members)
    members.write_matching(
        new_set.pk, difference, job=f"refresh:{job.pk}:{job.attempt}", waiting=lambda: _check_canceled(lease)
    )
    return difference, new_set


def _conclude(job: SegmentRefresh, segment: Segment, difference: SetDifference, new_set: MemberSet | None) -> None:
    """Name the new set as the members of the segment and end the job, in the caller's transaction."""
    moment = clock.now()
    alerts.update_after_refresh(segment, before=segment.member_count, after=difference.members)
    if new_set is not None:
        Segment.objects.filter(pk=segment.pk).update(member_set=new_set, previous_set=segment.member_set_id)
    Segment.objects.filter(pk=segment.pk).update(member_count=difference.members, refreshed_at=moment)
    leases.update_if_owner(
        job,
        status=JobStatus.SUCCESSFUL,
        added=difference.added,
        removed=difference.removed,
        progress_done=difference.members,
        progress_total=difference.members,
        finished_at=moment,
        lease_until=None,
        message="",
    )
    if new_set is not None:
        _refresh_dependents(segment)


def _refresh_dependents(segment: Segment) -> None:
    """Queue a refresh of the segments whose rules refer to a segment that has other members now. An open one of
    theirs reads the new members, since it locks this segment before it ends."""
    for dependent in segments_referring_to(segment.pk):
        if skip_reason(dependent) or dependent.refreshes.filter(status__in=OPEN).exists():
            continue
        enqueue_on_commit("segments.tasks.refresh_segment", SegmentRefresh.objects.create(segment=dependent).pk)


def _check_canceled(lease: leases.HeldLease) -> None:
    lease.check()
    if lease.cancel_requested.is_set():
        raise Canceled


@transaction.atomic
def _finish(job: SegmentRefresh, status: JobStatus, message: str = "") -> None:
    if status == JobStatus.FAILED:
        alerts.open_refresh_failed(job.segment, message)
    leases.update_if_owner(job, status=status, message=message, finished_at=clock.now(), lease_until=None)


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

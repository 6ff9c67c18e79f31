"""Refresh segments, on demand and on schedule: evaluate their rules, and write the difference to their members in
one transaction, so that no reader sees a part of it. Inactive and static segments are skipped."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from config.platform import db
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock, leases
from config.platform.jobs.models import OPEN, JobStatus, TickResult
from config.platform.schedules import describe, ticks
from config.platform.schedules.ticks import Due
from config.platform.web.versions import take_version
from segments import alerts
from segments.catalog import types_by_name
from segments.models import Segment, SegmentRefresh, SegmentSchedule, SegmentTick
from segments.permissions import check_can_manage_segments
from segments.rules import tree as rules_tree

logger = logging.getLogger(__name__)


def run_refresh(job_id: int) -> SegmentRefresh | None:
    """Claim and run a refresh. Returns the ended job, or None when another worker has it."""
    job = leases.claim(SegmentRefresh(pk=job_id))
    if job is None:
        return None
    if not _begin(job):
        return job
    with leases.hold(job) as lease:
        try:
            while not _evaluate(job, lease):
                pass  # the rules changed meanwhile: evaluate them again
        except leases.LeaseLost:
            logger.warning("refresh %s: another worker has taken over", job.pk)
            return None
        except (OperationalError, InterfaceError):
            logger.exception("refresh %s: the database was away; the refresh starts over", job.pk)
            raise
        except Canceled:
            _finish(job, JobStatus.CANCELED)
        except rules_tree.InvalidRules as invalid:
            _finish(job, JobStatus.FAILED, str(invalid))
        except Exception:
            logger.exception("refresh %s failed", job.pk)
            _finish(
                job,
                JobStatus.FAILED,
                _("An unexpected error occurred. See the log for details. Nothing was changed."),
            )
    db.analyze_after_change("segments_member", job.added + job.removed)
    return job


def count_matches(tree: rules_tree.Tree) -> int:
    """Count the profiles that match rules. Raises InvalidRules."""
    sql, values = rules_tree.where_sql(tree, types_by_name(), today=clock.today())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM segments_profile WHERE {sql}", values)  # noqa: S608
        return int(cursor.fetchone()[0])


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
    take_version(schedule, version)
    before = describe.describe_schedule(schedule)
    ticks.set_schedule(schedule, is_on=is_on, rule=rule)
    schedule.save(update_fields=["is_on", "rule", "due_at"])
    changes = {"schedule": (before, describe.describe_schedule(schedule))}
    record("scheduled", schedule, by=by, changes=changes, version=schedule.version)
    return schedule


MAX_ATTEMPTS = 20


class Canceled(Exception):
    """A user requested cancellation."""


@dataclass(frozen=True)
class MemberCounts:
    """Members after a refresh, and how many it added and removed."""

    members: int
    added: int
    removed: int


def _begin(job: SegmentRefresh) -> bool:
    if job.status == JobStatus.PROCESSING and job.attempt > MAX_ATTEMPTS:
        _finish(job, JobStatus.FAILED, _("The refresh failed after several attempts."))
        return False
    if why := skip_reason(Segment.objects.get(pk=job.segment_id)):
        _finish(job, JobStatus.SKIPPED, why)
        return False
    leases.update_if_owner(job, status=JobStatus.PROCESSING, started_at=job.started_at or clock.now())
    return True


def _evaluate(job: SegmentRefresh, lease: leases.HeldLease) -> bool:
    """Write the members and end the job. Returns False, with nothing written, when the rules changed meanwhile."""
    with transaction.atomic():
        segment = Segment.objects.get(pk=job.segment_id)
        counts = _update_members(segment, lease)
        current = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
        if current.version != segment.version:
            transaction.set_rollback(True)
            return False
        moment = clock.now()
        alerts.update_after_refresh(current, before=current.member_count, after=counts.members)
        Segment.objects.filter(pk=segment.pk).update(member_count=counts.members, refreshed_at=moment)
        leases.update_if_owner(
            job,
            status=JobStatus.SUCCESSFUL,
            added=counts.added,
            removed=counts.removed,
            progress_done=counts.members,
            progress_total=counts.members,
            finished_at=moment,
            lease_until=None,
            message="",
        )
    return True


def _update_members(segment: Segment, lease: leases.HeldLease) -> MemberCounts:
    sql, values = rules_tree.where_sql(segment.rules, types_by_name(), today=clock.today())
    with connection.cursor() as cursor:
        # Read the profiles once, so that both differences come from the same ones.
        cursor.execute("DROP TABLE IF EXISTS matching")
        cursor.execute(
            f"CREATE TEMPORARY TABLE matching ON COMMIT DROP AS SELECT id FROM segments_profile WHERE {sql}",  # noqa: S608
            values,
        )
        members = cursor.rowcount
        cursor.execute("ANALYZE matching")
        _check_canceled(lease)
        cursor.execute(
            """
            DELETE FROM segments_member member
             WHERE member.segment_id = %s
               AND NOT EXISTS (SELECT FROM matching WHERE matching.id = member.profile_id)
            """,
            [segment.pk],
        )
        removed = cursor.rowcount
        cursor.execute(
            """
            INSERT INTO segments_member (segment_id, profile_id)
            SELECT %s, matching.id FROM matching
             WHERE NOT EXISTS (SELECT FROM segments_member known
                                WHERE known.segment_id = %s AND known.profile_id = matching.id)
             ORDER BY matching.id
            """,
            [segment.pk, segment.pk],
        )
        added = cursor.rowcount
    _check_canceled(lease)
    return MemberCounts(members, added, removed)


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

"""Refresh a segment: find the profiles that match its rules, and write the difference to its members. One
transaction, so that no reader sees a part of it."""

import logging
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext as _

from config.platform import db
from config.platform.jobs import clock, leases
from config.platform.jobs.models import JobStatus
from segments import alerts
from segments.catalog import types_by_name
from segments.models import Segment, SegmentRefresh
from segments.refresh import schedule
from segments.rules import tree as rules_tree

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 20


class Canceled(Exception):
    """A user requested cancellation."""


@dataclass(frozen=True)
class MemberCounts:
    """Members after a refresh, and how many it added and removed."""

    members: int
    added: int
    removed: int


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


def _begin(job: SegmentRefresh) -> bool:
    if job.status == JobStatus.PROCESSING and job.attempt > MAX_ATTEMPTS:
        _finish(job, JobStatus.FAILED, _("The refresh failed after several attempts."))
        return False
    if why := schedule.skip_reason(Segment.objects.get(pk=job.segment_id)):
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

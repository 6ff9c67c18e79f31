"""Drawing a segment: who fits its rules now, as a set difference to who was in it. All of it in one transaction,
so that nobody ever reads a half-drawn segment."""

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

MOST_ATTEMPTS = 20


class Canceled(Exception):
    """Somebody has asked to stop."""


@dataclass(frozen=True)
class Drawn:
    """What a drawing came to."""

    members: int
    added: int
    removed: int


def run_refresh(job_id: int) -> SegmentRefresh | None:
    """Do the refresh if nobody else does, and give the job as it ended; None when it is not ours to do."""
    job = leases.claim(SegmentRefresh(pk=job_id))
    if job is None:
        return None
    if not _begin(job):
        return job
    with leases.hold(job) as lease:
        try:
            while not _draw(job, lease):
                pass  # the rules were edited meanwhile: once more
        except leases.LeaseLost:
            logger.warning("refresh %s: another worker has taken over", job.pk)
            return None
        except (OperationalError, InterfaceError):
            logger.exception("refresh %s: the database was away; it will be begun anew", job.pk)
            raise
        except Canceled:
            _finish(job, JobStatus.CANCELED)
        except rules_tree.InvalidRules as invalid:
            _finish(job, JobStatus.FAILED, str(invalid))
        except Exception:
            logger.exception("refresh %s failed", job.pk)
            _finish(job, JobStatus.FAILED, _("Something went wrong here; the log says what. Nothing was changed."))
    db.analyze_after_change("segments_member", job.added + job.removed)
    return job


def count(tree: rules_tree.Tree) -> int:
    """How many profiles fit the rules now; raises InvalidRules."""
    sql, values = rules_tree.where(tree, types_by_name(), today=clock.today())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM segments_profile WHERE {sql}", values)  # noqa: S608
        return int(cursor.fetchone()[0])


def _begin(job: SegmentRefresh) -> bool:
    if job.status == JobStatus.PROCESSING and job.attempt > MOST_ATTEMPTS:
        _finish(job, JobStatus.FAILED, _("The refresh was begun many times and never ended; it is given up."))
        return False
    if why := schedule.why_not_drawn(Segment.objects.get(pk=job.segment_id)):
        _finish(job, JobStatus.SKIPPED, why)
        return False
    leases.update_if_owner(job, status=JobStatus.PROCESSING, started_at=job.started_at or clock.now())
    return True


def _draw(job: SegmentRefresh, lease: leases.HeldLease) -> bool:
    """Draw the segment and end the job; False when its rules were edited meanwhile and nothing was kept."""
    with transaction.atomic():
        segment = Segment.objects.get(pk=job.segment_id)
        drawn = _update_members(segment, lease)
        current = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
        if current.version != segment.version:
            transaction.set_rollback(True)
            return False
        moment = clock.now()
        alerts.of_refresh(current, before=current.member_count, after=drawn.members)
        Segment.objects.filter(pk=segment.pk).update(member_count=drawn.members, refreshed_at=moment)
        leases.update_if_owner(
            job,
            status=JobStatus.SUCCESSFUL,
            added=drawn.added,
            removed=drawn.removed,
            progress_done=drawn.members,
            progress_total=drawn.members,
            finished_at=moment,
            lease_until=None,
            message="",
        )
    return True


def _update_members(segment: Segment, lease: leases.HeldLease) -> Drawn:
    sql, values = rules_tree.where(segment.rules, types_by_name(), today=clock.today())
    with connection.cursor() as cursor:
        # One look at the profiles, so that both differences are taken from the same people.
        cursor.execute("DROP TABLE IF EXISTS wanted")
        cursor.execute(
            f"CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS SELECT id FROM segments_profile WHERE {sql}",  # noqa: S608
            values,
        )
        members = cursor.rowcount
        cursor.execute("ANALYZE wanted")
        _stop_if_asked(lease)
        cursor.execute(
            """
            DELETE FROM segments_member member
             WHERE member.segment_id = %s
               AND NOT EXISTS (SELECT FROM wanted WHERE wanted.id = member.profile_id)
            """,
            [segment.pk],
        )
        removed = cursor.rowcount
        cursor.execute(
            """
            INSERT INTO segments_member (segment_id, profile_id)
            SELECT %s, wanted.id FROM wanted
             WHERE NOT EXISTS (SELECT FROM segments_member known
                                WHERE known.segment_id = %s AND known.profile_id = wanted.id)
             ORDER BY wanted.id
            """,
            [segment.pk, segment.pk],
        )
        added = cursor.rowcount
    _stop_if_asked(lease)
    return Drawn(members, added, removed)


def _stop_if_asked(lease: leases.HeldLease) -> None:
    lease.check()
    if lease.cancel_requested.is_set():
        raise Canceled


@transaction.atomic
def _finish(job: SegmentRefresh, status: JobStatus, message: str = "") -> None:
    if status == JobStatus.FAILED:
        alerts.of_failure(job.segment, message)
    leases.update_if_owner(job, status=status, message=message, finished_at=clock.now(), lease_until=None)

"""Run refreshes of segments: find the profiles that match the rules, write them as a set to the profile store, and
name it as the members of the segment.

1. A worker claims a refresh, and others that are due for as long as GROUP_SECONDS: they share a commit of the
   profile store, which takes as long as to evaluate the rules of a segment.
2. The members of each are found and compared with those before. Errors end the refresh that has them.
3. The new sets are committed to the profile store.
4. Each refresh ends in a transaction of its own. One whose rules have changed meanwhile, or the members of a
   segment in them, is evaluated again.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from segments import alerts
from segments.models import MemberSet, Segment, SegmentRefresh
from segments.refresh import skip_reason
from segments.rules import references
from segments.rules import tree as rules_tree
from segments.segment_rules import segments_referring_to
from segments.store import lake, matching, members
from segments.store.identity import StoreMismatch
from segments.store.members import SetDifference

logger = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 20
# A refresh waits for others of its group no longer than this, and the evaluation of one.
GROUP_SECONDS: Final = 2.0
GROUP_SIZE: Final = 50


class Canceled(Exception):
    """A user requested cancellation."""


@dataclass(frozen=True)
class _Claimed:
    """A refresh that this worker has claimed."""

    job: SegmentRefresh
    lease: leases.HeldLease

    def check(self) -> None:
        """Raise Canceled or LeaseLost if the refresh must not go on."""
        self.lease.check()
        if self.lease.cancel_requested.is_set():
            raise Canceled


@dataclass(frozen=True)
class _Found:
    """The members that a refresh found. ``sets_before`` are the member sets of the segments in the rules;
    ``new_set`` is None if the members are those that the segment has."""

    claimed: _Claimed
    segment: Segment
    sets_before: dict[int, int | None]
    difference: SetDifference
    new_set: MemberSet | None


class _StoreFailed(Exception):
    """The profile store failed while members were found: what was found before is lost."""


def run_refresh(job_id: int) -> SegmentRefresh | None:
    """Claim and run a refresh, and others that are due. Returns the ended job, or None when another worker has it,
    or while a segment in its rules is being refreshed."""
    job = _claim(job_id)
    if job is None or not job.is_open:
        return job
    with leases.hold_leases() as thread:
        _run([_Claimed(job, thread.hold(job))], thread)
    return None if job.is_open else job


def _claim(job_id: int) -> SegmentRefresh | None:
    """Claim a refresh and note that it has started. Returns None if it cannot be claimed now; one that is skipped
    has ended."""
    job = None if _waits_for_another(job_id) else leases.claim(SegmentRefresh(pk=job_id))
    if job is None:
        return None
    if job.status == JobStatus.PROCESSING and job.attempt > MAX_ATTEMPTS:
        _finish(job, JobStatus.FAILED, _("The refresh failed after several attempts."))
    elif why := skip_reason(Segment.objects.get(pk=job.segment_id)):
        _finish(job, JobStatus.SKIPPED, why)
    else:
        leases.update_if_owner(job, status=JobStatus.PROCESSING, started_at=job.started_at or clock.now())
    return job


def _waits_for_another(job_id: int) -> bool:
    """Say whether a segment in the rules has an open refresh, which comes first."""
    segment = Segment.objects.filter(refreshes=job_id).first()
    referenced = references.segments_in(segment.rules) if segment else frozenset()
    return bool(referenced) and SegmentRefresh.objects.filter(segment__in=referenced, status__in=OPEN).exists()


def _run(claimed: list[_Claimed], thread: leases.LeaseThread | None) -> None:
    """Run refreshes until all have ended; with a ``thread``, claim others that are due once."""
    while claimed:
        try:
            found = _find_all(claimed, thread)
            _write(found)
        except (_StoreFailed, members.IdentityChanged):
            claimed = [each for each in claimed if each.job.is_open]
            continue
        except (OperationalError, InterfaceError):
            logger.exception("%s refreshes: the database was away; they start over", len(claimed))
            raise
        except Exception as error:
            _run_one_by_one(claimed, error)
            return
        finally:
            thread = None
        claimed = [each.claimed for each in found if not _conclude(each)]


def _run_one_by_one(claimed: Sequence[_Claimed], error: Exception) -> None:
    """Run refreshes whose sets could not be committed together; end a single one with its error."""
    if len(claimed) == 1:
        with suppress(_StoreFailed), _ending_on_error(claimed[0]):
            raise error
        return
    for each in claimed:
        _run([each], None)


def _find_all(claimed: list[_Claimed], thread: leases.LeaseThread | None) -> list[_Found]:
    """Find the members of the segments, and put the new sets into the table FOUND. Others that are due are claimed
    and added to ``claimed``, while there is time."""
    others = _claim_others(thread) if thread else iter(())
    ends_at = time.monotonic() + GROUP_SECONDS
    with lake.reading() as reader:
        members.start_found(reader)
    found = []
    waiting = list(claimed)
    while waiting:
        each = waiting.pop(0)
        with _ending_on_error(each):
            found.append(_find(each))
        if not waiting and len(claimed) < GROUP_SIZE and time.monotonic() < ends_at:
            waiting = [other for other in [next(others, None)] if other]
            claimed += waiting
    return found


def _claim_others(thread: leases.LeaseThread) -> Iterator[_Claimed]:
    due = leases.claimable(SegmentRefresh).order_by("pk").values_list("pk", flat=True)
    for job_id in due[: 10 * GROUP_SIZE]:  # some of them wait for others
        job = _claim(job_id)
        if job is not None and job.is_open:
            yield _Claimed(job, thread.hold(job))


@contextmanager
def _ending_on_error(claimed: _Claimed) -> Iterator[None]:
    """End a refresh whose error is its own. Raises _StoreFailed if others have to be evaluated again."""
    job = claimed.job
    try:
        yield
    except leases.LeaseLost:
        logger.warning("refresh %s: another worker has taken over", job.pk)
    except (OperationalError, InterfaceError):
        raise
    except Canceled:
        _finish(job, JobStatus.CANCELED)
    except (rules_tree.InvalidRules, StoreMismatch) as invalid:
        _finish(job, JobStatus.FAILED, str(invalid))
    except Exception as error:
        logger.exception("refresh %s failed", job.pk)
        _finish(
            job, JobStatus.FAILED, _("An unexpected error occurred. See the log for details. Nothing was changed.")
        )
        if isinstance(error, lake.StoreError):
            raise _StoreFailed from error


def _find(claimed: _Claimed) -> _Found:
    """Find the profiles that match the rules of a segment. They are a new set, unless they are the members
    already."""
    segment = Segment.objects.get(pk=claimed.job.segment_id)
    sets_before = _member_sets(Segment.objects.filter(pk__in=references.segments_in(segment.rules)))
    new_set = None
    with lake.reading() as reader:
        matching.find_matching(reader, segment.rules)
        claimed.check()
        difference = members.compare_matching(reader, segment.member_set_id)
        if not difference.is_stored:
            new_set = MemberSet.objects.create(segment=segment, size=difference.members)
            members.add_found(reader, new_set.pk)
    return _Found(claimed, segment, sets_before, difference, new_set)


def _member_sets(segments: Iterable[Segment]) -> dict[int, int | None]:
    return {each.pk: each.member_set_id for each in segments}


def _write(found: Sequence[_Found]) -> None:
    """Commit the new sets. Raises IdentityChanged."""
    written = [each for each in found if each.new_set is not None]
    if not written:
        return

    def check() -> None:
        """End the wait for other writers when no refresh goes on; each is checked again before it ends."""
        for each in written:
            try:
                each.claimed.check()
            except (Canceled, leases.LeaseLost):
                continue
            return
        written[0].claimed.check()

    first = written[0].claimed.job
    try:
        members.write_found(
            {each.difference.former_count for each in written},
            job=f"refresh:{first.pk}:{first.attempt}",
            waiting=check,
        )
    except (Canceled, leases.LeaseLost):
        return


def _conclude(found: _Found) -> bool:
    """End a refresh. Returns False, with nothing changed, when its rules, or the members of a segment in them,
    changed meanwhile."""
    referenced = found.sets_before.keys()
    with _ending_on_error(found.claimed), transaction.atomic():
        found.claimed.check()
        # In the order of their IDs, as every refresh locks them.
        locked = Segment.objects.select_for_update(no_key=True).filter(pk__in={found.segment.pk, *referenced})
        by_id = {each.pk: each for each in locked.order_by("pk")}
        current = by_id.pop(found.segment.pk)
        if current.version != found.segment.version or _member_sets(by_id.values()) != found.sets_before:
            return False
        _end(found, current)
    return True


def _end(found: _Found, segment: Segment) -> None:
    """Name the new set as the members of the segment and end the refresh, in the caller's transaction."""
    moment, difference = clock.now(), found.difference
    alerts.update_after_refresh(segment, before=segment.member_count, after=difference.members)
    changes: dict[str, object] = {"member_count": difference.members, "refreshed_at": moment}
    if found.new_set is not None:
        changes |= {"member_set": found.new_set, "previous_set": segment.member_set_id}
    Segment.objects.filter(pk=segment.pk).update(**changes)
    leases.update_if_owner(
        found.claimed.job,
        status=JobStatus.SUCCESSFUL,
        added=difference.added,
        removed=difference.removed,
        progress_done=difference.members,
        progress_total=difference.members,
        finished_at=moment,
        lease_until=None,
        message="",
    )
    _wake_dependents(segment, has_changed=found.new_set is not None)


def _wake_dependents(segment: Segment, *, has_changed: bool) -> None:
    """Queue a refresh of the segments whose rules refer to a segment that has other members now, and wake those
    that have waited for it."""
    for dependent in segments_referring_to(segment.pk):
        job = dependent.refreshes.filter(status__in=OPEN).first()
        if job is None and has_changed and not skip_reason(dependent):
            job = SegmentRefresh.objects.create(segment=dependent)
        if job is not None:
            enqueue_on_commit("segments.tasks.refresh_segment", job.pk)


@transaction.atomic
def _finish(job: SegmentRefresh, status: JobStatus, message: str = "") -> None:
    if status == JobStatus.FAILED:
        alerts.open_refresh_failed(job.segment, message)
    leases.update_if_owner(job, status=status, message=message, finished_at=clock.now(), lease_until=None)

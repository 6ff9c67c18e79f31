"""Run refreshes of segments: find the profiles that match the rules, write them as a set to the profile store, and
name it as the members of the segment.

1. A worker claims a refresh, and others that are due: their rules are evaluated in one scan of the profiles.
2. The members of each are compared with those before.
3. The new sets are committed to the profile store together.
4. One transaction ends them. A refresh whose rules have changed meanwhile, or the members of a segment in them, is
   evaluated again.

After an error that is not of one refresh alone, such as rules that no longer fit, each is run alone.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from segments import alerts, refresh_events
from segments.models import DataSource, MemberSet, Segment, SegmentRefresh
from segments.refresh import skip_reason
from segments.rules import references
from segments.rules import tree as rules_tree
from segments.segment_rules import segments_by_reference
from segments.store import lake, matching, members
from segments.store.identity import StoreMismatch
from segments.store.members import SetDifference

logger = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 20
GROUP_SIZE: Final = 50  # at most 62, the bits of MATCHING
# The most results that a group keeps in memory: refreshes times profiles.
GROUP_RESULTS: Final = 50_000_000
# Some of those that are due wait for others.
_CANDIDATES: Final = 10 * GROUP_SIZE


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
class _Compiled:
    """A refresh whose rules are compiled. ``sets_before`` are the member sets of the segments in the rules
    at that time."""

    claimed: _Claimed
    segment: Segment
    sets_before: Mapping[int, int | None]
    condition: str


@dataclass(frozen=True)
class _Found:
    """The members that a refresh found. ``new_set`` is None if the members are those that the segment has."""

    compiled: _Compiled
    difference: SetDifference
    new_set: MemberSet | None

    @property
    def claimed(self) -> _Claimed:
        return self.compiled.claimed


def run_refresh(job_id: int) -> SegmentRefresh | None:
    """Claim and run a refresh, and others that are due. Returns the ended job, or None when another worker has it,
    or while a segment in its rules is being refreshed."""
    jobs = _start_group(job_id)
    with leases.hold_all(jobs) as held:
        _run([_Claimed(job, lease) for job, lease in zip(jobs, held, strict=True)])
    return next((job for job in jobs if job.pk == job_id and not job.is_open), None)


def _start_group(job_id: int) -> list[SegmentRefresh]:
    """Claim a refresh that is due, and others with it."""
    due = leases.claimable(SegmentRefresh)
    if not _not_waiting(due.filter(pk=job_id)):
        return []
    others = _not_waiting(due.exclude(pk=job_id).order_by("pk")[:_CANDIDATES])
    claimed = leases.start_all(SegmentRefresh, [job_id, *others[: _group_size() - 1]])
    if job_id not in {job.pk for job in claimed}:
        logger.info("refresh %s: another worker has it", job_id)
    return claimed


def _not_waiting(due: "QuerySet[SegmentRefresh]") -> list[int]:
    """Return the IDs of those of these refreshes that no refresh of a segment in their rules comes before."""
    referenced = {pk: references.segments_in(rules) for pk, rules in due.values_list("pk", "segment__rules")}
    every = set().union(*referenced.values())
    refreshed = SegmentRefresh.objects.filter(segment__in=every, status__in=OPEN).values_list("segment", flat=True)
    waited_for = set(refreshed) if every else set()
    return [pk for pk, segments in referenced.items() if not segments & waited_for]


def _group_size() -> int:
    profiles = DataSource.objects.aggregate(profiles=Sum("profile_count"))["profiles"] or 1
    return max(1, min(GROUP_SIZE, GROUP_RESULTS // profiles))


def _run(claimed: Sequence[_Claimed]) -> None:
    """Run refreshes until all have ended."""
    while claimed:
        try:
            conditions = matching.Conditions()
            found = _find_all(_compile_all(claimed, conditions), conditions)
            _write(found)
        except members.IdentityChanged:
            claimed = [each for each in claimed if each.job.is_open]
            continue
        except (OperationalError, InterfaceError):
            logger.exception("%s refreshes: the database was away; they start over", len(claimed))
            raise
        except Exception as error:
            _run_alone([each for each in claimed if each.job.is_open], error)
            return
        claimed = _end_all(found)


def _run_alone(claimed: Sequence[_Claimed], error: Exception) -> None:
    """Run each of the refreshes that failed together; end a single one with its error."""
    if len(claimed) > 1:
        logger.warning("%s refreshes failed together, each is run alone: %s", len(claimed), error)
        for each in claimed:
            _run([each])
    elif claimed:
        with _ending_on_error(claimed[0]):
            raise error


@contextmanager
def _ending_on_error(claimed: _Claimed) -> Iterator[None]:
    """End a refresh whose error is its own."""
    job = claimed.job
    try:
        yield
    except leases.LeaseLost:
        logger.warning("refresh %s: another worker has taken over", job.pk)
    except (OperationalError, InterfaceError):
        raise
    except Canceled:
        _finish(job, JobStatus.CANCELED)
    except (rules_tree.InvalidRules, StoreMismatch, lake.OutOfMemory) as refusal:
        _finish(job, JobStatus.FAILED, str(refusal))
    except Exception:
        logger.exception("refresh %s failed", job.pk)
        _finish(
            job, JobStatus.FAILED, _("An unexpected error occurred. See the log for details. Nothing was changed.")
        )


def _compile_all(claimed: Sequence[_Claimed], conditions: matching.Conditions) -> list[_Compiled]:
    """Compile the rules of the segments. Refreshes that have nothing to evaluate end here."""
    segments = Segment.objects.in_bulk([each.job.segment_id for each in claimed])
    referenced = set().union(*(references.segments_in(segment.rules) for segment in segments.values()))
    sets = _member_sets(Segment.objects.filter(pk__in=referenced)) if referenced else {}
    compiled = []
    for each in claimed:
        segment = segments.get(each.job.segment_id)
        if segment is None:
            logger.info("refresh %s: its segment was removed", each.job.pk)
        elif why := skip_reason(segment):
            _finish(each.job, JobStatus.SKIPPED, why)
        elif each.job.attempt > MAX_ATTEMPTS:
            _finish(each.job, JobStatus.FAILED, _("The refresh failed after several attempts."))
        else:
            with _ending_on_error(each):
                each.check()
                before = {pk: sets[pk] for pk in sorted(references.segments_in(segment.rules)) if pk in sets}
                compiled.append(_Compiled(each, segment, before, conditions.add(segment.rules)))
    return compiled


def _member_sets(segments: "QuerySet[Segment]") -> dict[int, int | None]:
    return dict(segments.values_list("pk", "member_set"))


def _find_all(compiled: Sequence[_Compiled], conditions: matching.Conditions) -> list[_Found]:
    """Find the members of segments. They are new sets, unless they are the members already."""
    if not compiled:
        return []
    with lake.reading() as reader:
        matching.find_matching(reader, conditions, [each.condition for each in compiled])
        differences = members.compare_matching(reader, [each.segment.member_set_id for each in compiled])
    new_sets = [
        None if difference.is_stored else MemberSet(segment=each.segment, size=difference.members)
        for each, difference in zip(compiled, differences, strict=True)
    ]
    MemberSet.objects.bulk_create(each for each in new_sets if each is not None)
    return [_Found(*found) for found in zip(compiled, differences, new_sets, strict=True)]


def _write(found: Sequence[_Found]) -> None:
    """Commit the new sets. Raises IdentityChanged."""
    new_sets = {bit: each.new_set.pk for bit, each in enumerate(found) if each.new_set is not None}
    if not new_sets:
        return
    written = [found[bit].claimed for bit in new_sets]
    try:
        members.write_matching(
            new_sets,
            {found[bit].difference.former_count for bit in new_sets},
            job=f"refresh:{written[0].job.pk}:{written[0].job.attempt}",
            waiting=_check_that_one_goes_on(written),
        )
    except (Canceled, leases.LeaseLost):
        logger.info("no refresh of %s goes on", len(written))


def _check_that_one_goes_on(claimed: Sequence[_Claimed]) -> Callable[[], None]:
    """Return a function that ends the wait for other writers when no refresh goes on; each is checked again before
    it ends."""

    def check() -> None:
        for each in claimed:
            try:
                each.check()
            except (Canceled, leases.LeaseLost):
                continue
            return
        claimed[0].check()

    return check


@transaction.atomic
def _end_all(found: Sequence[_Found]) -> list[_Claimed]:
    """End refreshes. Returns those whose rules, or the members of a segment in them, changed meanwhile: they have
    to be evaluated again."""
    ids = {each.compiled.segment.pk for each in found}
    referenced = {pk for each in found for pk in each.compiled.sets_before}
    # In the order of their IDs, as every refresh locks them.
    locked = Segment.objects.select_for_update(no_key=True).filter(pk__in=ids | referenced).order_by("pk")
    current = {segment.pk: segment for segment in locked}
    dependents = segments_by_reference(ids)
    with_alerts = alerts.segments_with_alerts(ids)
    again, ended = [], []
    for each in found:
        if _is_outdated(each.compiled, current):
            again.append(each.claimed)
            continue
        segment = current[each.compiled.segment.pk]
        with _ending_on_error(each.claimed), transaction.atomic():
            each.claimed.check()
            _end(each, segment, has_alerts=segment.pk in with_alerts)
            _wake(dependents.get(segment.pk, ()), has_changed=each.new_set is not None)
            ended.append((segment, each.claimed.job))
    refresh_events.emit_refreshed(ended)
    return again


def _is_outdated(compiled: _Compiled, current: Mapping[int, Segment]) -> bool:
    segment = current.get(compiled.segment.pk)
    sets_now = {pk: current[pk].member_set_id for pk in compiled.sets_before if pk in current}
    return segment is None or segment.version != compiled.segment.version or sets_now != compiled.sets_before


def _end(found: _Found, segment: Segment, *, has_alerts: bool) -> None:
    """Name the new set as the members of the segment and end the refresh, in the caller's transaction."""
    moment, difference = clock.now(), found.difference
    alerts.update_after_refresh(
        segment, before=segment.member_count, after=difference.members, has_alerts=has_alerts
    )
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


def _wake(dependents: Collection[Segment], *, has_changed: bool) -> None:
    """Queue a refresh of the segments whose rules refer to a segment that has other members now, and wake those
    that have waited for it."""
    for dependent in dependents:
        job = dependent.refreshes.filter(status__in=OPEN).first()
        if job is None and has_changed and not skip_reason(dependent):
            job = SegmentRefresh.objects.create(segment=dependent)
        if job is not None:
            enqueue_on_commit("segments.tasks.refresh_segment", job.pk)


def _finish(job: SegmentRefresh, status: JobStatus, message: str = "") -> None:
    try:
        with transaction.atomic():
            if status == JobStatus.FAILED:
                alerts.open_refresh_failed(job.segment, message)
            leases.update_if_owner(job, status=status, message=message, finished_at=clock.now(), lease_until=None)
    except leases.LeaseLost:
        logger.warning("refresh %s: another worker has taken over", job.pk)

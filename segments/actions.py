"""Create, change, refresh and remove segments. Each action is one transaction and writes the audit record."""

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.notifications import alerts as notifications_alerts
from config.platform.text.word_lists import join_words
from config.platform.web.versions import take_version
from segments import alerts, hooks, permissions, refresh, segment_rules
from segments.models import Segment, SegmentRefresh
from segments.privacy.subjects import without_addresses


class SegmentInUse(Exception):
    """A segment cannot be removed because exports or rules of other segments use it; ``usages`` lists them."""

    def __init__(self, usages: Sequence[hooks.Usage]) -> None:
        names = join_words(usage.name for usage in usages)
        super().__init__(_("The segment is used by: %(names)s.") % {"names": names})
        self.usages = usages


class IsExclusion(Exception):
    """A segment cannot be removed because it is the exclusion segment."""

    def __init__(self) -> None:
        super().__init__(_("This is the exclusion segment. An administrator has to stop using it first."))


class NotRefreshed(Exception):
    """A segment that was never refreshed cannot be the exclusion segment: it has no members to exclude."""

    def __init__(self) -> None:
        super().__init__(_("The segment has not been refreshed yet. Refresh it first."))


class RulesLocked(Exception):
    """The rules of an inactive or static segment cannot change, because its members would not follow them."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Inactive and static segments keep their members. To change the rules, activate the "
                "segment or make it dynamic."
            )
        )


@transaction.atomic
def create_segment(
    *,
    name: str,
    rules_tree: Mapping[str, object],
    by: User | None,
    description: str = "",
    tags: Sequence[str] = (),
    wake_worker: bool = True,
) -> Segment:
    """Create a segment and queue its first refresh. Raises InvalidRules."""
    permissions.check_can_manage_segments(by)
    segment_rules.check(rules_tree)
    segment = Segment.objects.create(
        name=name, description=description, rules=dict(rules_tree), tags=list(tags), created_by=by
    )
    record(
        "created",
        segment,
        by=by,
        version=segment.version,
        changes={"rule": (None, _rule_without_addresses(rules_tree))},
    )
    request_refresh(segment, by=by, wake_worker=wake_worker)
    return segment


@transaction.atomic
def edit_segment(
    segment: Segment,
    *,
    version: int,
    name: str,
    rules_tree: Mapping[str, object],
    by: User | None,
    description: str = "",
    tags: Sequence[str] | None = None,
    wake_worker: bool = True,
) -> Segment:
    """Change a segment that was read at ``version``, and queue a refresh when its rules change. ``tags=None``
    keeps its tags. Raises StaleEdit when another user saved first, RulesLocked, and InvalidRules."""
    permissions.check_can_manage_segments(by)
    segment_rules.check(rules_tree, segment.pk)
    take_version(segment, version)
    segment.refresh_from_db()
    before = _recorded_fields(segment)
    rules_changed = segment.rules != rules_tree
    if rules_changed and refresh.skip_reason(segment):
        segment.version = version  # the transaction undoes the new version
        raise RulesLocked
    segment.name, segment.description, segment.rules = name, description, dict(rules_tree)
    segment.tags = segment.tags if tags is None else list(tags)
    segment.save(update_fields=["name", "description", "rules", "tags"])
    after = _recorded_fields(segment)
    changes = {
        field: (without_addresses(before[field]), without_addresses(after[field]))
        for field in before
        if before[field] != after[field]
    }
    record("edited", segment, by=by, version=segment.version, changes=changes)
    if rules_changed:
        request_refresh(segment, by=by, wake_worker=wake_worker)
    return segment


@transaction.atomic
def duplicate_segment(segment: Segment, *, by: User) -> Segment:
    """Create a copy of a segment with the same rules under a free name, and queue its first refresh. No export
    uses the copy, and its schedule is off."""
    permissions.check_can_manage_segments(by)
    copy = Segment.objects.create(
        name=_free_name(segment.name),
        description=segment.description,
        rules=segment.rules,
        tags=segment.tags,
        created_by=by,
    )
    refresh.copy_schedule_disabled(segment, copy)
    record("duplicated", copy, by=by, version=copy.version, changes={"from": (None, segment.name)})
    request_refresh(copy, by=by)
    return copy


@transaction.atomic
def activate_segment(segment: Segment, *, by: User | None) -> None:
    """Activate a segment and queue a refresh."""
    if _set_flag(segment, "is_active", True, "activated", by):
        request_refresh(segment, by=by)


@transaction.atomic
def deactivate_segment(segment: Segment, *, by: User | None) -> None:
    """Deactivate a segment: it is no longer refreshed, and its status is Skipped."""
    if _set_flag(segment, "is_active", False, "deactivated", by):
        skip_refresh(segment, message=refresh.skip_reason(segment))


@transaction.atomic
def make_static(segment: Segment, *, by: User | None) -> None:
    """Make a segment static: it keeps the members it has."""
    _set_flag(segment, "is_static", True, "made_static", by)


@transaction.atomic
def make_dynamic(segment: Segment, *, by: User | None) -> None:
    """Make a segment dynamic: its rules decide about its members again."""
    if _set_flag(segment, "is_static", False, "made_dynamic", by) and segment.is_active:
        request_refresh(segment, by=by)


@transaction.atomic
def use_as_exclusion(segment: Segment, *, by: User | None) -> None:
    """Make a segment the exclusion segment, in place of the one that is: no export sends its members. Raises
    NotRefreshed."""
    permissions.check_can_choose_exclusion(by)
    # In one order, so that two administrators wait for each other.
    locked = Segment.objects.select_for_update(no_key=True).filter(Q(pk=segment.pk) | Q(is_exclusion=True))
    chosen, before = None, None
    for each in locked.order_by("pk"):
        chosen = each if each.pk == segment.pk else chosen
        before = each if each.is_exclusion else before
    if chosen is None or chosen.is_exclusion:
        return
    if chosen.member_set_id is None:
        raise NotRefreshed
    Segment.objects.filter(is_exclusion=True).update(is_exclusion=False)
    Segment.objects.filter(pk=chosen.pk).update(is_exclusion=True)
    record("made_exclusion", chosen, by=by, changes={"exclusion segment": (before and before.name, chosen.name)})


@transaction.atomic
def stop_exclusion(segment: Segment, *, by: User | None) -> None:
    """Stop using a segment as the exclusion segment: exports send its members again."""
    permissions.check_can_choose_exclusion(by)
    if Segment.objects.filter(pk=segment.pk, is_exclusion=True).update(is_exclusion=False):
        record("exclusion_ended", segment, by=by, changes={"exclusion segment": (segment.name, None)})


def _set_flag(segment: Segment, field: str, value: bool, action: str, by: User | None) -> bool:
    """Set a flag of a segment and record it. Returns False when it was set already."""
    permissions.check_can_manage_segments(by)
    locked = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    if getattr(locked, field) == value:
        return False
    setattr(segment, field, value)
    segment.save(update_fields=[field])
    record(action, segment, by=by)
    return True


def _recorded_fields(segment: Segment) -> dict[str, str]:
    return {
        "name": segment.name,
        "description": segment.description,
        "tags": ", ".join(segment.tags),
        "rule": segment_rules.describe(segment.rules),
    }


@transaction.atomic
def remove_segment(segment: Segment, *, by: User | None) -> None:
    """Remove a segment; its profiles stay. Raises SegmentInUse while exports or other segments use it, and
    IsExclusion."""
    permissions.check_can_manage_segments(by)
    segment = Segment.objects.select_for_update().get(pk=segment.pk)
    if usages := usages_of(segment):
        raise SegmentInUse(usages)
    if segment.is_exclusion:
        raise IsExclusion
    record("removed", segment, by=by, changes={"rule": (_rule_without_addresses(segment.rules), None)})
    notifications_alerts.forget(alerts.subject_of(segment))
    segment.delete()


def usages_of(segment: Segment) -> Sequence[hooks.Usage]:
    """Return what uses a segment: exports, and segments whose rules refer to it."""
    others = [
        hooks.Usage("segment", other.name, reverse("segments:detail", args=[other.pk]))
        for other in segment_rules.segments_by_reference([segment.pk]).get(segment.pk, ())
    ]
    return [*hooks.segment_users.usages(segment.pk), *others]


@transaction.atomic
def request_refresh(segment: Segment, *, by: User | None, wake_worker: bool = True) -> SegmentRefresh:
    """Queue a refresh of a segment, or return the open one."""
    permissions.check_can_manage_segments(by)
    Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    open_one = SegmentRefresh.objects.filter(segment=segment, status__in=OPEN).first()
    job = open_one or SegmentRefresh.objects.create(segment=segment, requested_by=by)
    if wake_worker:
        enqueue_on_commit("segments.tasks.refresh_segment", job.pk)
    return job


@transaction.atomic
def cancel_refresh(job: SegmentRefresh, *, by: User | None) -> None:
    """Request cancellation of a refresh: the segment keeps its members. A refresh that no worker holds ends at
    once."""
    permissions.check_can_manage_segments(by)
    leases.request_cancel(job)
    record("refresh canceled", job.segment, by=by)


@transaction.atomic
def skip_refresh(segment: Segment, *, message: str) -> SegmentRefresh:
    """Record a refresh that was due and skipped, with the reason."""
    moment = clock.now()
    return SegmentRefresh.objects.create(
        segment=segment, status=JobStatus.SKIPPED, created_at=moment, finished_at=moment, message=message
    )


def _free_name(name: str) -> str:
    base = _("%(name)s – copy") % {"name": name[:90]}  # leaves room for the words and a number
    candidate, number = base, 2
    while Segment.objects.filter(name__iexact=candidate).exists():
        candidate, number = f"{base} {number}", number + 1
    return candidate


def _rule_without_addresses(tree: Mapping[str, object]) -> str:
    """Describe rules for the audit record without the addresses in them, because the record is kept for good."""
    return without_addresses(segment_rules.describe(tree))

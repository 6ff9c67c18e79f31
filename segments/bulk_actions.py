"""Change the tags of several segments, or remove them. Segments that cannot be changed are refused with the
reason, and the others are changed. The audit has an entry for each segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.tags import change as tags_change
from config.platform.tags.texts import MAX_TAGS
from segments import actions, hooks, permissions
from segments.models import Segment
from segments.rules import references


@dataclass(frozen=True)
class RefusedSegment:
    """A segment that was not or will not be changed: the reason, and what uses it."""

    segment: Segment
    reason: str
    usages: Sequence[hooks.Usage] = ()


@dataclass(frozen=True)
class BulkResult:
    """The segments that were or will be changed, and those that are refused."""

    changed: Sequence[Segment] = ()
    refused: Sequence[RefusedSegment] = ()


def change_tags(segments: Sequence[Segment], *, add: Sequence[str], remove: Sequence[str], by: User) -> BulkResult:
    """Remove tags from segments and add others at the end. A segment that would have too many tags is refused."""
    permissions.check_can_manage_segments(by)
    found = Segment.objects.filter(pk__in=[segment.pk for segment in segments])
    changed, too_many = tags_change.change_tags(found, add=add, remove=remove, by=by)
    reason = _("A segment can have at most %(most)d tags.") % {"most": MAX_TAGS}
    return BulkResult(changed, [RefusedSegment(segment, reason) for segment in too_many])


def plan_removal(segments: Sequence[Segment]) -> BulkResult:
    """Tell which of the segments can be removed together, each before those that its rules refer to, and why the
    others cannot. The number of queries does not depend on the number of segments."""
    exports = hooks.segment_users.usages_of_each([segment.pk for segment in segments])
    others = {each.pk: each for each in Segment.objects.only("name", "rules")}
    selection = _Selection(segments, exports, others)
    removable = selection.removable()
    refused = [selection.refusal(each, removable) for each in segments if each.pk not in removable]
    by_id = {segment.pk: segment for segment in segments}
    order = references.refresh_order({pk: others[pk].rules for pk in removable & others.keys()})
    return BulkResult([by_id[pk] for pk in reversed(order) if pk in removable], refused)


@transaction.atomic
def remove_segments(segments: Sequence[Segment], *, by: User) -> BulkResult:
    """Remove those of the segments that nothing uses but segments that are removed with them. Profiles stay."""
    permissions.check_can_manage_segments(by)
    planned = plan_removal(segments)
    removed, refused = [], list(planned.refused)
    for segment in planned.changed:
        try:
            with transaction.atomic():
                actions.remove_segment(segment, by=by)
        except (actions.SegmentInUse, actions.IsExclusion) as error:  # since it was planned
            refused.append(RefusedSegment(segment, str(error), getattr(error, "usages", ())))
        except Segment.DoesNotExist:
            continue
        else:
            removed.append(segment)
    return BulkResult(removed, refused)


@dataclass(frozen=True)
class _Selection:
    """Segments to remove; the exports that use each, and all segments, by ID."""

    segments: Sequence[Segment]
    exports: Mapping[int, Sequence[hooks.Usage]]
    others: Mapping[int, Segment]

    def removable(self) -> set[int]:
        """Return the IDs of segments that only segments use that are removable as well."""
        found = {each.pk for each in self.segments if not (self.exports.get(each.pk) or each.is_exclusion)}
        while blocked := {pk for pk in found if any(user not in found for user in self._users(pk))}:
            found -= blocked
        return found

    def refusal(self, segment: Segment, removable: set[int]) -> RefusedSegment:
        """Return why a segment stays, with what uses it."""
        staying = [user for user in self._users(segment.pk) if user not in removable]
        others = [
            hooks.Usage(_("Segment"), self.others[user].name, reverse("segments:detail", args=[user]))
            for user in staying
        ]
        usages = [*self.exports.get(segment.pk, ()), *others]
        reason = str(actions.SegmentInUse(usages) if usages else actions.IsExclusion())
        return RefusedSegment(segment, reason, usages)

    def _users(self, segment_id: int) -> list[int]:
        return [pk for pk, tree in self._references.items() if segment_id in tree]

    @cached_property
    def _references(self) -> dict[int, frozenset[int]]:
        """The IDs of the segments that the rules of each segment refer to."""
        return {pk: references.segments_in(each.rules) for pk, each in self.others.items()}

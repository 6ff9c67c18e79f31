"""Count the profiles that match rules, or are members of a segment, and are members of other segments as well."""

from dataclasses import dataclass

from segments.models import Segment
from segments.rules.tree import Tree
from segments.store import lake
from segments.store.matching import matching_sql
from segments.store.members import count_shared, members_sql
from segments.store.profiles import visible_profiles

# The largest segments are compared, since no overlap is larger than its segment: up to so many, with so many
# members together. The builder asks again whenever a user pauses.
MAX_COMPARED = 200
MAX_MEMBERS = 20_000_000
MAX_SHOWN = 5


@dataclass(frozen=True)
class SegmentOverlap:
    """Another segment, and how many of its members are shared."""

    segment_id: int
    name: str
    members: int
    shared: int

    @property
    def percent(self) -> int:
        """The share of its members."""
        return min(100, round(100 * self.shared / self.members)) if self.members else 0


def overlap_of_rules(rules: Tree, segment_id: int | None = None) -> list[SegmentOverlap]:
    """Return the segments with most members that match rules; ``segment_id`` is the segment that has the rules,
    None for a new one. Raises InvalidRules."""
    return _overlap(matching_sql(rules), segment_id)


def overlap_of_segment(segment: Segment) -> list[SegmentOverlap]:
    """Return the segments that share most members with a segment, as they were last refreshed."""
    if segment.member_set_id is None:
        return []
    members = members_sql([segment.member_set_id])
    return _overlap(f"SELECT id FROM {visible_profiles()} WHERE id IN ({members})", segment.pk)


def _overlap(matching: str, segment_id: int | None) -> list[SegmentOverlap]:
    """Compare a query of the IDs of profiles with the members of other segments, in one scan of them."""
    others = Segment.objects.exclude(pk=segment_id or 0).exclude(member_set=None).order_by("-member_count", "pk")
    rows = others.values_list("member_set", "pk", "name", "member_set__size")[:MAX_COMPARED]
    known: dict[int, tuple[int, str, int]] = {}
    members = 0
    for set_id, pk, name, size in rows:
        members += size
        if known and members > MAX_MEMBERS:
            break
        known[set_id] = (pk, name, size)
    if not known:
        return []
    with lake.reading() as reader:
        shared = count_shared(reader, matching, list(known), most=MAX_SHOWN)
    return [SegmentOverlap(*known[set_id], shared=count) for set_id, count in shared]

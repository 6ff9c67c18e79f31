"""Write and read member sets: the profiles that a refresh found for a segment.

A set never changes once it is committed. PostgreSQL says which set is the current one of a segment, so that a
refresh and all that belongs to it become visible at once; sets that no segment names are deleted by maintenance.
When the identity rules unify or separate profiles, sets are read with the IDs that the members have now.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from segments.store import lake
from segments.store.columns import MEMBERS, PROFILES
from segments.store.lake import Reader, as_list, listed
from segments.store.leaving import LEAVING
from segments.store.unified.reading import current_members, former_count, lost_customers
from segments.store.unified.rules import is_applied

# The temporary table of profiles that match rules of segments: ``id`` and ``bits``, one bit for each segment.
MATCHING = "matching"


@dataclass(frozen=True)
class SetDifference:
    """The members of a set, and how many it has gained and lost against an earlier one. ``former_count`` is that
    of unified profiles when the members were found; ``is_stored`` says whether the rows of the earlier set are
    these members, with the IDs that they have now."""

    members: int
    added: int
    removed: int
    former_count: int = 0
    is_stored: bool = False


class MemberSetIncomplete(Exception):
    """A member set does not have the members that were written: nothing may be concluded from it."""


class IdentityChanged(Exception):
    """Profiles left unified profiles after the members were found: find them again."""


def compare_matching(reader: Reader, sets_before: Sequence[int | None]) -> list[SetDifference]:
    """Compare the profiles that match the rules of segments with the sets that these have, in the order of the
    bits of MATCHING. None has no members."""
    counts = dict(
        reader.rows(
            f"SELECT bit, sum(profiles) FROM (SELECT bits, count(*) AS profiles FROM {MATCHING} GROUP BY 1)"
            f" JOIN range({len(sets_before)}) AS bit(bit) ON {_is_set('bit')} GROUP BY 1"
        )
    )
    former, is_unified = former_count(reader), is_applied()
    before = _compare(reader, sets_before, with_identity=is_unified)
    stored = _compare(reader, sets_before, with_identity=False) if is_unified else before
    differences = []
    for bit in range(len(sets_before)):
        members, (all_before, kept) = int(counts.get(bit, 0)), before.get(bit, (0, 0))
        is_stored = (
            sets_before[bit] is not None
            and members == all_before == kept
            and stored.get(bit, (0, 0)) == (members, members)
        )
        differences.append(SetDifference(members, members - kept, all_before - kept, former, is_stored))
    return differences


def _compare(reader: Reader, sets: Sequence[int | None], *, with_identity: bool) -> dict[int, tuple[int, int]]:
    """Count the members of sets, and those of them that match the rules of the segment, by bit."""
    bits = {set_id: bit for bit, set_id in enumerate(sets) if set_id is not None}
    if not bits:
        return {}
    listed = ", ".join(f"({set_id:d}, {bit:d})" for set_id, bit in bits.items())
    rows = reader.rows(
        f"SELECT bit, count(*), count(CASE WHEN {_is_set('bit')} THEN 1 END)"
        f" FROM ({_members(bits, with_identity=with_identity)}) AS member"
        f" JOIN (VALUES {listed}) AS listed(set_id, bit) ON listed.set_id = member.set_id"
        f" LEFT JOIN {MATCHING} ON {MATCHING}.id = member.profile_id GROUP BY 1"
    )
    return {bit: (members, kept) for bit, members, kept in rows}


def _is_set(bit: object) -> str:
    return f"(bits >> {bit}) & 1 = 1"


def write_matching(
    new_sets: Mapping[int, int], former_counts: Collection[int], *, job: str, waiting: Callable[[], None]
) -> None:
    """Commit the profiles that match the rules of segments as new sets; ``new_sets`` are their IDs by bit.
    ``former_counts`` are those of their differences; ``waiting`` is that of writer_lock. Raises
    IdentityChanged."""
    found = " UNION ALL ".join(
        f"SELECT {set_id:d} AS set_id, id FROM {MATCHING} WHERE {_is_set(bit)}" for bit, set_id in new_sets.items()
    )
    with lake.writing(job, waiting=waiting) as writer:
        now = former_count(writer)
        if any(before != now for before in former_counts):
            raise IdentityChanged
        writer.execute(f"INSERT INTO {MEMBERS} SELECT set_id, id FROM ({found}) ORDER BY 1, 2")


def members_sql(set_ids: Collection[int]) -> str:
    """Return a query of the IDs of all members of any of the sets."""
    return f"SELECT profile_id FROM ({_members(set_ids)})" if is_applied() else _stored("profile_id", set_ids)


def members_of_each(set_ids: Collection[int]) -> str:
    """Return a query of ``set_id`` and ``profile_id`` of the members of sets."""
    return _members(set_ids, with_identity=is_applied())


def _members(set_ids: Collection[int], *, with_identity: bool = True) -> str:
    """Return a query of ``set_id`` and ``profile_id`` of the members of sets."""
    return current_members(_listed(set_ids)) if with_identity else _stored("set_id, profile_id", set_ids)


def _stored(columns: str, set_ids: Collection[int]) -> str:
    return f"SELECT {columns} FROM {MEMBERS} WHERE set_id IN ({_listed(set_ids)})"


def _listed(set_ids: Collection[int]) -> str:
    return ", ".join(str(int(pk)) for pk in set_ids) or "NULL"


def check_complete(reader: Reader, sizes: dict[int, int]) -> None:
    """Check that each of these sets has as many members as were written. Raises MemberSetIncomplete."""
    found = dict(
        reader.rows(
            f"SELECT set_id, count(*) FROM {MEMBERS} WHERE set_id IN {listed('BIGINT')} GROUP BY 1",
            [as_list(sizes)],
        )
    )
    wrong = {pk: size for pk, size in sizes.items() if found.get(pk, 0) != size}
    if wrong:
        raise MemberSetIncomplete(f"member sets {sorted(wrong)} are not complete in the profile store")


def sets_of_profile(reader: Reader, profile_id: int, set_ids: Sequence[int]) -> set[int]:
    """Return which of these sets have a profile as a member."""
    found = _members(set_ids, with_identity=is_applied())
    rows = reader.rows(f"SELECT DISTINCT set_id FROM ({found}) WHERE profile_id = ?", [profile_id])
    return {set_id for (set_id,) in rows}


def delete_other_sets(kept: Collection[int]) -> int:
    """Delete the members of all sets but ``kept``. Returns how many sets there were."""
    with lake.reading() as reader:
        stored = {set_id for (set_id,) in reader.rows(f"SELECT DISTINCT set_id FROM {MEMBERS}")}
    unused = sorted(stored - set(kept))
    if unused:
        with lake.writing("delete member sets") as writer:
            writer.execute(f"DELETE FROM {MEMBERS} WHERE set_id IN {listed('BIGINT')}", [as_list(unused)])
    return len(unused)


def members_of_source(reader: Reader, source_id: int, set_ids: Sequence[int]) -> dict[int, int]:
    """Count the members of each of these sets that are customers of a data source alone; sets without any are left
    out."""
    return _members_lost(reader, f"SELECT id FROM {PROFILES} WHERE source_id = {int(source_id)}", set_ids)


def members_leaving(reader: Reader, set_ids: Sequence[int]) -> dict[int, int]:
    """Count the members of each of these sets that are no longer there without the profiles in the temporary table
    LEAVING; sets without any are left out."""
    return _members_lost(reader, f"SELECT id FROM {LEAVING}", set_ids)


def _members_lost(reader: Reader, leaving: str, set_ids: Sequence[int]) -> dict[int, int]:
    with_identity = is_applied()
    lost = lost_customers(leaving) if with_identity else leaving
    found = _members(set_ids, with_identity=with_identity)
    return dict(
        reader.rows(f"SELECT set_id, count(*) FROM ({found}) WHERE profile_id IN ({lost}) GROUP BY set_id")
    )


def overlaps(reader: Reader, set_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """Count the members that each two of the sets share, by their IDs with the lower first."""
    members = _members(set_ids, with_identity=is_applied())
    rows = reader.rows(
        f"""
        WITH member AS ({members})
        SELECT one.set_id, other.set_id, count(*)
          FROM member one JOIN member other ON other.profile_id = one.profile_id AND other.set_id > one.set_id
         GROUP BY 1, 2
        """
    )
    return {(one, other): people for one, other, people in rows}


def count_shared(reader: Reader, matching: str, set_ids: Sequence[int], *, most: int) -> list[tuple[int, int]]:
    """Count the members of each of these sets that a query of profile IDs, with the column ``id``, finds. Returns
    the IDs of the ``most`` sets with the highest counts, with these; sets without any are left out."""
    members = _members(set_ids, with_identity=is_applied())
    rows = reader.rows(
        f"SELECT member.set_id, count(*) FROM ({members}) member"
        f" SEMI JOIN ({matching}) matching ON matching.id = member.profile_id"
        f" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most:d}"
    )
    return [(set_id, shared) for set_id, shared in rows]

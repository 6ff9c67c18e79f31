"""Write and read member sets: the profiles that a refresh found for a segment.

A set never changes once it is committed. PostgreSQL says which set is the current one of a segment, so that a
refresh and all that belongs to it become visible at once; sets that no segment names are deleted by maintenance.
When the identity rules unify or separate profiles, sets are read with the IDs that the members have now.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from segments.store import lake
from segments.store.columns import MEMBERS, PROFILES
from segments.store.lake import Reader, as_list, listed
from segments.store.leaving import LEAVING
from segments.store.unified.reading import current_members, former_count, lost_customers
from segments.store.unified.rules import is_applied

# The temporary table of the IDs of profiles that match the rules of a segment.
MATCHING = "matching"
# The temporary table of the members of new sets, until these are committed: ``set_id`` and ``profile_id``.
FOUND = "found_members"


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


def compare_matching(reader: Reader, set_id: int | None) -> SetDifference:
    """Compare the temporary table MATCHING, with the column ``id``, with a set; None has no members."""
    members = reader.row(f"SELECT count(*) FROM {MATCHING}")[0]
    former = former_count(reader)
    if set_id is None:
        return SetDifference(members, added=members, removed=0, former_count=former)
    before, kept = reader.row(
        f"SELECT count(*), count({MATCHING}.id) FROM ({members_sql([set_id])}) member"
        f" LEFT JOIN {MATCHING} ON {MATCHING}.id = member.profile_id"
    )
    stored, same = (before, kept)
    if is_applied():
        stored, same = reader.row(
            f"SELECT count(*), count({MATCHING}.id) FROM ({_stored('profile_id', [set_id])}) member"
            f" LEFT JOIN {MATCHING} ON {MATCHING}.id = member.profile_id"
        )
    is_stored = members == before == kept == stored == same
    return SetDifference(members, members - kept, before - kept, former, is_stored)


def start_found(reader: Reader) -> None:
    """Empty the temporary table FOUND."""
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {FOUND} (set_id BIGINT, profile_id BIGINT)")


def add_found(reader: Reader, set_id: int) -> None:
    """Add the temporary table MATCHING to FOUND, as the members of a new set."""
    reader.execute(f"INSERT INTO {FOUND} SELECT ?, id FROM {MATCHING}", [set_id])


def write_found(former_counts: Collection[int], *, job: str, waiting: Callable[[], None]) -> None:
    """Commit the new sets in the temporary table FOUND. ``former_counts`` are those of their differences;
    ``waiting`` is that of writer_lock. Raises IdentityChanged."""
    with lake.writing(job, waiting=waiting) as writer:
        now = former_count(writer)
        if any(before != now for before in former_counts):
            raise IdentityChanged
        writer.execute(f"INSERT INTO {MEMBERS} SELECT set_id, profile_id FROM {FOUND} ORDER BY 1, 2")


def members_sql(set_ids: Collection[int]) -> str:
    """Return a query of the IDs of all members of any of the sets."""
    return f"SELECT profile_id FROM ({_members(set_ids)})" if is_applied() else _stored("profile_id", set_ids)


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

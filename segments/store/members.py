"""Write and read member sets: the profiles that a refresh found for a segment.

A set never changes once it is committed. PostgreSQL says which set is the current one of a segment, so that a
refresh and all that belongs to it become visible at once; sets that no segment names are deleted by maintenance.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from segments.store import lake
from segments.store.columns import MEMBERS, PROFILES
from segments.store.lake import Reader, as_list, listed
from segments.store.leaving import LEAVING

# The temporary table of the IDs of profiles that match the rules of a segment.
MATCHING = "matching"


@dataclass(frozen=True)
class SetDifference:
    """The members of a set, and how many it has gained and lost against an earlier one."""

    members: int
    added: int
    removed: int


class MemberSetIncomplete(Exception):
    """A member set does not have the members that were written: nothing may be concluded from it."""


def compare_matching(reader: Reader, set_id: int | None) -> SetDifference:
    """Compare the temporary table MATCHING, with the column ``id``, with a set; None has no members."""
    members = reader.row(f"SELECT count(*) FROM {MATCHING}")[0]
    if set_id is None:
        return SetDifference(members, added=members, removed=0)
    before, kept = reader.row(
        f"SELECT count(*), count({MATCHING}.id) FROM {MEMBERS} member"
        f" LEFT JOIN {MATCHING} ON {MATCHING}.id = member.profile_id WHERE member.set_id = ?",
        [set_id],
    )
    return SetDifference(members, added=members - kept, removed=before - kept)


def write_matching(set_id: int, *, job: str, waiting: Callable[[], None]) -> None:
    """Commit the temporary table MATCHING as the members of a new set; ``waiting`` is that of writer_lock."""
    with lake.writing(job, waiting=waiting) as writer:
        writer.execute(f"INSERT INTO {MEMBERS} SELECT ?, id FROM {MATCHING} ORDER BY id", [set_id])


def members_sql(set_ids: Collection[int]) -> str:
    """Return a query of the IDs of all members of any of the sets."""
    return (
        f"SELECT profile_id FROM {MEMBERS} WHERE set_id IN ({', '.join(str(int(pk)) for pk in set_ids) or 'NULL'})"
    )


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
    rows = reader.rows(
        f"SELECT DISTINCT set_id FROM {MEMBERS} WHERE profile_id = ? AND set_id IN {listed('BIGINT')}",
        [profile_id, as_list(set_ids)],
    )
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
    """Count the members of each of these sets that are profiles of a data source; sets without any are left
    out."""
    rows = reader.rows(
        f"""
        SELECT member.set_id, count(*)
          FROM {MEMBERS} member JOIN {PROFILES} profile ON profile.id = member.profile_id
         WHERE profile.source_id = ? AND member.set_id IN {listed("BIGINT")} GROUP BY 1
        """,
        [source_id, as_list(set_ids)],
    )
    return dict(rows)


def members_leaving(reader: Reader, set_ids: Sequence[int]) -> dict[int, int]:
    """Count the members of each of these sets that are in the temporary table LEAVING; sets without any are left
    out."""
    rows = reader.rows(
        f"SELECT set_id, count(*) FROM {MEMBERS} member JOIN {LEAVING} ON {LEAVING}.id = member.profile_id"
        f" WHERE set_id IN {listed('BIGINT')} GROUP BY 1",
        [as_list(set_ids)],
    )
    return dict(rows)


def overlaps(reader: Reader, set_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """Count the members that each two of the sets share, by their IDs with the lower first."""
    rows = reader.rows(
        f"""
        SELECT one.set_id, other.set_id, count(*)
          FROM {MEMBERS} one JOIN {MEMBERS} other
            ON other.profile_id = one.profile_id AND other.set_id > one.set_id
         WHERE one.set_id IN {listed("BIGINT", "$sets")} AND other.set_id IN {listed("BIGINT", "$sets")}
         GROUP BY 1, 2
        """,
        {"sets": as_list(set_ids)},
    )
    return {(one, other): people for one, other, people in rows}

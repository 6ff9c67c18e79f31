"""Write unified profiles: the difference between the groups that the rules find now and those in the store, in the
commit of the writer, so that no reader sees one without the other.

The groups are found again over all profiles, since one value can join or separate any of them; it takes about a
second for a million profiles. Only unified profiles whose group or values changed are written.
"""

from dataclasses import asdict
from typing import Final

from segments import catalog
from segments.store.columns import FORMER_IDENTITY, IDENTITY, MEMBERS, PROFILES, UNIFIED
from segments.store.lake import Writer
from segments.store.unified.groups import GROUPS, GroupCounts, count_groups, drop
from segments.store.unified.rows import unified_rows
from segments.store.unified.rules import UnifyRules

# The temporary tables of unified profiles to write again, and of profiles that left their unified profile.
_AFFECTED: Final = "unified_affected"
_MOVED: Final = "unified_moved"


def unify(writer: Writer, rules: UnifyRules, profiles: str, *, changed: str = "") -> GroupCounts:
    """Unify ``profiles``, a query of profiles in parentheses, under the writer's lock. ``changed`` is a query of
    the IDs of profiles whose values changed; without it all unified profiles are written again. The counts are
    added to the note of the commit."""
    counts = count_groups(writer, rules, profiles)
    _find_affected(writer, changed)
    _note_former(writer, profiles)
    writer.execute(
        f"DELETE FROM {IDENTITY} WHERE NOT EXISTS (SELECT 1 FROM {GROUPS} AS now"
        f" WHERE now.profile_id = {_name(IDENTITY)}.profile_id AND now.unified_id = {_name(IDENTITY)}.unified_id)"
    )
    writer.execute(
        f"INSERT INTO {IDENTITY} SELECT profile_id, unified_id FROM {GROUPS} AS now"
        f" WHERE NOT EXISTS (SELECT 1 FROM {IDENTITY} AS before WHERE before.profile_id = now.profile_id)"
        " ORDER BY profile_id"
    )
    writer.execute(f"DELETE FROM {UNIFIED} WHERE id IN (SELECT unified_id FROM {_AFFECTED})")
    grouped = (
        f"(SELECT profile.*, now.unified_id FROM {PROFILES} AS profile JOIN {GROUPS} AS now"
        f" ON now.profile_id = profile.id WHERE now.unified_id IN (SELECT unified_id FROM {_AFFECTED}))"
    )
    writer.execute(
        f"INSERT INTO {UNIFIED} BY NAME {unified_rows(rules, catalog.attributes(), grouped)} ORDER BY id"
    )
    drop(writer, GROUPS, _AFFECTED, _MOVED)
    writer.note["unified"] = asdict(counts)
    return counts


def forget(writer: Writer, ids: str) -> bool:
    """Delete the unified profiles that are made of profiles with these IDs, a query, alone. Returns False, with
    nothing changed, when other profiles are part of one."""
    affected = f"SELECT unified_id FROM {IDENTITY} WHERE profile_id IN ({ids})"
    others = f"SELECT 1 FROM {IDENTITY} WHERE unified_id IN ({affected}) AND profile_id NOT IN ({ids}) LIMIT 1"
    if writer.rows(others):
        return False
    writer.execute(f"DELETE FROM {UNIFIED} WHERE id IN ({affected})")
    writer.execute(f"DELETE FROM {IDENTITY} WHERE profile_id IN ({ids})")
    return True


def forget_former(writer: Writer, oldest_set_id: int | None) -> int:
    """Delete what is noted for member sets before ``oldest_set_id``, or for all. Returns how much is left."""
    condition = f"last_set_id < {oldest_set_id:d}" if oldest_set_id is not None else "true"
    writer.execute(f"DELETE FROM {FORMER_IDENTITY} WHERE {condition}")
    return int(writer.row(f"SELECT count(*) FROM {FORMER_IDENTITY}")[0])


def _find_affected(writer: Writer, changed: str) -> None:
    """Fill the table _AFFECTED with the unified profiles whose group differs, or that have a changed profile."""
    if not changed:
        query = f"SELECT unified_id FROM {GROUPS} UNION SELECT unified_id FROM {IDENTITY}"
    else:
        query = (
            f"SELECT coalesce(before.unified_id, now.unified_id) AS unified_id FROM {IDENTITY} AS before"
            f" FULL JOIN {GROUPS} AS now"
            " ON now.profile_id = before.profile_id AND now.unified_id = before.unified_id"
            " WHERE before.profile_id IS NULL OR now.profile_id IS NULL"
            f" UNION SELECT unified_id FROM {GROUPS} WHERE profile_id IN ({changed})"
        )
    writer.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_AFFECTED} AS {query}")


def _note_former(writer: Writer, profiles: str) -> None:
    """Note the profiles that left their unified profile, or whose unified profile has another ID now, for the
    member sets that there are."""
    customer = "coalesce(now.unified_id, before.profile_id)"
    writer.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_MOVED} AS SELECT before.unified_id, before.profile_id"
        f" FROM {IDENTITY} AS before JOIN {profiles} AS profile ON profile.id = before.profile_id"
        f" LEFT JOIN {GROUPS} AS now ON now.profile_id = before.profile_id"
        f" LEFT JOIN {GROUPS} AS first ON first.profile_id = before.unified_id"
        f" WHERE before.unified_id IN (SELECT unified_id FROM {_AFFECTED})"
        f" AND {customer} <> coalesce(first.unified_id, before.unified_id)"
    )
    if not writer.row(f"SELECT count(*) FROM {_MOVED}")[0]:
        return
    last_set = writer.row(f"SELECT coalesce(max(set_id), 0) FROM {MEMBERS}")[0]
    writer.execute(
        f"INSERT INTO {FORMER_IDENTITY} BY NAME SELECT former.unified_id, moved.profile_id, former.last_set_id"
        f" FROM {FORMER_IDENTITY} AS former JOIN {_MOVED} AS moved ON moved.unified_id = former.profile_id"
        f" UNION ALL BY NAME SELECT unified_id, profile_id, {last_set:d} AS last_set_id FROM {_MOVED}"
    )


def _name(table: str) -> str:
    return table.rpartition(".")[2]

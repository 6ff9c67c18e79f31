"""Write unified profiles: the difference between the groups that the rules find now and those in the store, in the
commit of the writer, so that no reader sees one without the other.

The groups are found again over all profiles, since one value can join or separate any of them; by one attribute it
takes one or two seconds for a million profiles. Only unified profiles whose group or values changed are written.
"""

from dataclasses import asdict
from typing import Final

from segments import catalog
from segments.store.columns import FORMER_IDENTITY, IDENTITY, MEMBERS, PROFILES, UNIFIED
from segments.store.lake import Writer
from segments.store.unified.groups import GROUPS, GroupCounts, count_groups, drop
from segments.store.unified.rows import unified_rows
from segments.store.unified.rules import UnifyRules

# A query of the IDs of changed profiles, for ``unify``, when none changed.
NONE_CHANGED: Final = "SELECT NULL::BIGINT AS id"
# The temporary tables of profiles whose group differs, of unified profiles to write again, and of profiles that
# left their unified profile.
_REGROUPED: Final = "unified_regrouped"
_AFFECTED: Final = "unified_affected"
_MOVED: Final = "unified_moved"


def unify(writer: Writer, rules: UnifyRules, profiles: str, *, changed: str = "") -> GroupCounts:
    """Unify ``profiles``, a query of profiles in parentheses, under the writer's lock. ``changed`` is a query of
    the IDs of profiles whose values changed, new and deleted ones need not be in it; without it all unified
    profiles are written again. The counts are added to the note of the commit."""
    counts = count_groups(writer, rules, profiles)
    _find_regrouped(writer)
    if changed:
        _find_affected(writer, profiles, changed)
    _note_former(writer, profiles)
    writer.execute(f"DELETE FROM {IDENTITY} WHERE profile_id IN (SELECT profile_id FROM {_REGROUPED})")
    writer.execute(
        f"INSERT INTO {IDENTITY} SELECT profile_id, unified_id FROM {GROUPS}"
        f" WHERE profile_id IN (SELECT profile_id FROM {_REGROUPED}) ORDER BY profile_id"
    )
    _write(writer, rules, profiles, f"IN (SELECT unified_id FROM {_AFFECTED})" if changed else "IS NOT NULL")
    drop(writer, GROUPS, _REGROUPED, _AFFECTED, _MOVED)
    writer.note["unified"] = asdict(counts)
    return counts


def update_values(writer: Writer, rules: UnifyRules, changed: str) -> None:
    """Write the unified profiles again that have one of the profiles whose IDs are ``changed``, a query, when no
    value that identifies changed, so that the groups are the same."""
    writer.execute(f"CREATE OR REPLACE TEMPORARY TABLE {GROUPS} AS FROM {IDENTITY}")
    writer.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_AFFECTED} AS SELECT DISTINCT coalesce(unified_id, id) AS unified_id"
        f" FROM ({changed}) AS changed LEFT JOIN {GROUPS} ON profile_id = id"
    )
    _write(writer, rules, PROFILES, f"IN (SELECT unified_id FROM {_AFFECTED})")
    drop(writer, GROUPS, _AFFECTED)


def identifiers_differ(writer: Writer, rules: UnifyRules, changes: str) -> bool:
    """Say whether a value that identifies differs between ``changes``, the name of a table of changed profiles in
    full, and the profiles in the store."""
    stored = f"(SELECT * FROM {PROFILES} WHERE id IN (SELECT id FROM {changes}))"
    return any(
        writer.rows(f"(({one}) EXCEPT ({other})) UNION ALL (({other}) EXCEPT ({one})) LIMIT 1")
        for each in rules.identifiers
        for one, other in [(each.values(changes), each.values(stored))]
    )


def forget(writer: Writer, ids: str) -> bool:
    """Delete the unified profiles that are made of profiles with these IDs, a query or list, alone. Returns False,
    with nothing changed, when other profiles are part of one."""
    affected = f"SELECT unified_id FROM {IDENTITY} WHERE profile_id IN ({ids})"
    others = f"SELECT 1 FROM {IDENTITY} WHERE unified_id IN ({affected}) AND profile_id NOT IN ({ids}) LIMIT 1"
    if writer.rows(others):
        return False
    writer.execute(f"DELETE FROM {UNIFIED} WHERE id IN ({ids}) OR id IN ({affected})")
    writer.execute(f"DELETE FROM {IDENTITY} WHERE profile_id IN ({ids})")
    return True


def forget_former(writer: Writer, oldest_set_id: int | None) -> int:
    """Delete what is noted for member sets before ``oldest_set_id``, or for all. Returns how much is left."""
    condition = f"last_set_id < {oldest_set_id:d}" if oldest_set_id is not None else "true"
    writer.execute(f"DELETE FROM {FORMER_IDENTITY} WHERE {condition}")
    return int(writer.row(f"SELECT count(*) FROM {FORMER_IDENTITY}")[0])


def delete_all(writer: Writer) -> None:
    """Delete all unified profiles, which no reader reads any more."""
    writer.execute(f"DELETE FROM {UNIFIED}")


def _find_regrouped(writer: Writer) -> None:
    """Fill the table _REGROUPED with the profiles whose group differs."""
    writer.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_REGROUPED} AS SELECT profile_id, before.unified_id AS former_id,"
        f" now.unified_id FROM {IDENTITY} AS before FULL JOIN {GROUPS} AS now USING (profile_id)"
        " WHERE before.unified_id IS DISTINCT FROM now.unified_id"
    )


def _find_affected(writer: Writer, profiles: str, changed: str) -> None:
    """Fill the table _AFFECTED with the unified profiles that differ because of their group, or of values that
    changed, or of profiles that are new or no longer there."""
    customers = f"(SELECT coalesce(unified_id, id) AS id FROM {profiles} LEFT JOIN {GROUPS} ON profile_id = id)"
    writer.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_AFFECTED} AS SELECT unified_id FROM ("
        f"SELECT unnest([profile_id, former_id, unified_id]) AS unified_id FROM {_REGROUPED}"
        f" UNION SELECT coalesce(unified_id, id) FROM ({changed}) AS changed"
        f" LEFT JOIN {GROUPS} ON profile_id = id"
        f" UNION (SELECT id FROM {UNIFIED} EXCEPT SELECT id FROM {customers})"
        f" UNION (SELECT id FROM {customers} EXCEPT SELECT id FROM {UNIFIED})"
        ") WHERE unified_id IS NOT NULL"
    )


def _write(writer: Writer, rules: UnifyRules, profiles: str, chosen: str) -> None:
    """Write the unified profiles again whose ID meets the condition ``chosen``: profiles that are in no group as
    they are."""
    writer.execute(f"DELETE FROM {UNIFIED} WHERE id {chosen}")
    alone = f"id {chosen} AND id NOT IN (SELECT profile_id FROM {GROUPS})"
    writer.execute(f"INSERT INTO {UNIFIED} BY NAME SELECT * FROM {profiles} WHERE {alone}")
    grouped = (
        f"(SELECT profile.*, now.unified_id FROM {PROFILES} AS profile JOIN {GROUPS} AS now"
        f" ON now.profile_id = profile.id WHERE now.unified_id {chosen})"
    )
    writer.execute(f"INSERT INTO {UNIFIED} BY NAME {unified_rows(rules, catalog.attributes(), grouped)}")


def _note_former(writer: Writer, profiles: str) -> None:
    """Note the profiles that left their unified profile, or whose unified profile has another ID now, for the
    member sets that there are."""
    customer = "coalesce(now.unified_id, before.profile_id)"
    writer.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_MOVED} AS SELECT before.unified_id, before.profile_id"
        f" FROM {IDENTITY} AS before JOIN {profiles} AS profile ON profile.id = before.profile_id"
        f" LEFT JOIN {GROUPS} AS now ON now.profile_id = before.profile_id"
        f" LEFT JOIN {GROUPS} AS first ON first.profile_id = before.unified_id"
        f" WHERE {customer} <> coalesce(first.unified_id, before.unified_id)"
    )
    if not writer.row(f"SELECT count(*) FROM {_MOVED}")[0]:
        return
    last_set = writer.row(f"SELECT coalesce(max(set_id), 0) FROM {MEMBERS}")[0]
    writer.execute(
        f"INSERT INTO {FORMER_IDENTITY} BY NAME SELECT former.unified_id, moved.profile_id, former.last_set_id"
        f" FROM {FORMER_IDENTITY} AS former JOIN {_MOVED} AS moved ON moved.unified_id = former.profile_id"
        f" UNION ALL BY NAME SELECT unified_id, profile_id, {last_set:d} AS last_set_id FROM {_MOVED}"
    )

"""Queries of unified profiles, and of the IDs that profiles have in them, for readers."""

from collections.abc import Collection

from segments import catalog
from segments.store.columns import FORMER_IDENTITY, IDENTITY, MEMBERS, PROFILES, UNIFIED
from segments.store.lake import Reader, as_list, listed
from segments.store.unified.rows import unified_rows
from segments.store.unified.rules import is_applied, newest_rules


def unified_profiles(visible: str, hidden: str) -> str:
    """Return a query of all customers. ``visible`` is the condition of the profiles that count. ``hidden`` is the
    condition of those that do not, while such profiles may be in the unified ones: these are then built from the
    others, and keep their IDs; else it is empty."""
    rules = newest_rules() if hidden else None
    if rules is None:
        return f"(SELECT * FROM {UNIFIED})"
    affected = (
        f"SELECT coalesce(one.unified_id, profile.id) FROM (SELECT id FROM {PROFILES} WHERE {hidden}) AS profile"
        f" LEFT JOIN {IDENTITY} AS one ON one.profile_id = profile.id"
    )
    remaining = (
        f"(SELECT profile.*, one.unified_id FROM {PROFILES} AS profile JOIN {IDENTITY} AS one"
        f" ON one.profile_id = profile.id WHERE one.unified_id IN ({affected}) AND {visible})"
    )
    built = unified_rows(rules, catalog.attributes(), remaining)
    return f"(SELECT * FROM {UNIFIED} WHERE id NOT IN ({affected}) UNION ALL BY NAME {built})"


def current_members(set_ids: str) -> str:
    """Return a query of the customers that the members of sets are now, in the columns ``set_id`` and
    ``profile_id``; ``set_ids`` lists the sets. A member that has become part of a unified profile is that one.
    Profiles that were part of a member when its set was written, and are no longer, stay members until the next
    refresh: none drops out of a list because of the identity rules."""
    return (
        f"SELECT DISTINCT set_id, coalesce(one.unified_id, listed.profile_id) AS profile_id"
        f" FROM (SELECT set_id, profile_id FROM {MEMBERS} WHERE set_id IN ({set_ids})"
        f" UNION ALL SELECT member.set_id, former.profile_id FROM {MEMBERS} AS member"
        f" JOIN {FORMER_IDENTITY} AS former"
        " ON former.unified_id = member.profile_id AND member.set_id <= former.last_set_id"
        f" WHERE member.set_id IN ({set_ids})) AS listed"
        f" LEFT JOIN {IDENTITY} AS one ON one.profile_id = listed.profile_id"
    )


def parts_sql(customer_ids: str) -> str:
    """Return a query of the IDs of the profiles that unified profiles are made of, in the column ``profile_id``;
    ``customer_ids`` is a query of the IDs of customers."""
    return f"SELECT profile_id FROM {IDENTITY} WHERE unified_id IN ({customer_ids})"


def has_part(condition: str) -> str:
    """Return the condition that one of the profiles that a customer is made of meets a condition; ``false`` while
    no profiles are unified."""
    if not is_applied():
        return "false"
    parts = f"{IDENTITY} AS one JOIN {PROFILES} AS part ON part.id = one.profile_id"
    return f"id IN (SELECT one.unified_id FROM {parts} WHERE {condition})"


def with_current_ids(table: str) -> str:
    """Return a query of the IDs in the column ``id`` of a table, each with the ID of the customer that it is now,
    in ``customer_id``."""
    return (
        f"SELECT listed.id, coalesce(one.unified_id, listed.id) AS customer_id FROM {table} AS listed"
        f" LEFT JOIN {IDENTITY} AS one ON one.profile_id = listed.id"
    )


def lost_customers(leaving: str) -> str:
    """Return a query of the IDs of the customers that are no longer there without some profiles; ``leaving`` is a
    query of their IDs, in the column ``id``. A unified profile is lost with its last profile."""
    return (
        f"SELECT id FROM ({leaving}) AS leaving"
        f" WHERE id NOT IN (SELECT profile_id FROM {IDENTITY})"
        f" UNION ALL SELECT unified_id FROM {IDENTITY} AS one LEFT JOIN ({leaving}) AS leaving"
        " ON leaving.id = one.profile_id GROUP BY unified_id HAVING count(*) = count(leaving.id)"
    )


def former_count(reader: Reader) -> int:
    """Return a number that changes when profiles leave unified profiles."""
    if not is_applied():
        return 0
    return int(reader.row(f"SELECT count(*) FROM {FORMER_IDENTITY}")[0])


def current_ids(profile_ids: Collection[int], reader: Reader) -> dict[int, int]:
    """Map the IDs of profiles that are part of unified ones to the IDs of these."""
    if not profile_ids or not is_applied():
        return {}
    found = reader.rows(
        f"SELECT profile_id, unified_id FROM {IDENTITY} WHERE profile_id IN {listed('BIGINT')}",
        [as_list(profile_ids)],
    )
    return dict(found)


def parts_of(profile_ids: Collection[int], reader: Reader) -> list[int]:
    """Return the IDs of all profiles that are one customer with any of these, and these."""
    if not is_applied():
        return sorted(profile_ids)
    rows = reader.rows(
        f"SELECT profile_id FROM {IDENTITY} WHERE unified_id IN (SELECT unified_id FROM {IDENTITY}"
        f" WHERE profile_id IN {listed('BIGINT', '$ids')} OR unified_id IN {listed('BIGINT', '$ids')})",
        {"ids": as_list(profile_ids)},
    )
    return sorted({*profile_ids, *(pk for (pk,) in rows)})

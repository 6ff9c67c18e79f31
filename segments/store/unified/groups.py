"""Find which profiles are one customer: those that share a value of an identifying attribute, directly or through
others.

For each value that several profiles share, every one of them is linked with the one of the lowest ID. The groups
are the connected components of these links: each profile takes the lowest ID that it is linked with, until none
changes. To look up the ID that the taken profile has itself shortens long chains.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from segments.store.lake import Reader
from segments.store.unified.rules import MOST_SHARED, UnifyRules

# The temporary table of the profiles in groups of two or more: ``profile_id`` and ``unified_id``, which is the
# lowest ID of the group.
GROUPS: Final = "unified_groups"
_LINKS: Final = "unified_links"
_SHARED: Final = "unified_shared"
_LABELS: Final = "unified_labels"
_NEXT: Final = "unified_next"


@dataclass(frozen=True)
class GroupCounts:
    """How many profiles there are, how many customers they are, and how many profiles the largest customer has.
    ``ignored`` counts the values that too many profiles share to identify a customer."""

    profiles: int = 0
    customers: int = 0
    largest: int = 0
    ignored: int = 0


def find_groups(reader: Reader, rules: UnifyRules, profiles: str) -> int:
    """Fill the table GROUPS from ``profiles``, a query of profiles in parentheses. Returns how many values were
    ignored."""
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_LINKS} (profile_id BIGINT, first_id BIGINT)")
    ignored = sum(_link(reader, form, profiles) for form in _forms(rules))
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_LABELS} AS SELECT profile_id, min(first_id) AS unified_id"
        f" FROM (FROM {_LINKS} UNION ALL SELECT first_id, first_id FROM {_LINKS}) GROUP BY 1"
    )
    while _spread(reader):
        pass
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {GROUPS} AS FROM {_LABELS}")
    drop(reader, _LINKS, _SHARED, _LABELS, _NEXT)
    return ignored


def count_groups(reader: Reader, rules: UnifyRules, profiles: str) -> GroupCounts:
    """Count what ``find_groups`` finds; the table GROUPS is left filled."""
    ignored = find_groups(reader, rules, profiles)
    total = int(reader.row(f"SELECT count(*) FROM {profiles}")[0])
    grouped, groups, largest = reader.row(
        f"SELECT coalesce(sum(size), 0), count(*), coalesce(max(size), 0)"
        f" FROM (SELECT count(*) AS size FROM {GROUPS} GROUP BY unified_id)"
    )
    return GroupCounts(total, total - int(grouped) + groups, largest or min(total, 1), ignored)


def drop(reader: Reader, *tables: str) -> None:
    """Drop temporary tables, if they are there."""
    for table in tables:
        reader.execute(f"DROP TABLE IF EXISTS {table}")


def _forms(rules: UnifyRules) -> Iterator[str]:
    return (each.sql for each in rules.identifiers)


def _link(reader: Reader, form: str, profiles: str) -> int:
    """Link the profiles that share a value. Returns how many values were ignored."""
    values = f"(SELECT id, {form} AS value FROM {profiles})"
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_SHARED} AS SELECT value, min(id) AS first_id, count(*) AS size"
        f" FROM {values} WHERE value IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    )
    reader.execute(
        f"INSERT INTO {_LINKS} SELECT id, first_id FROM {values} JOIN {_SHARED} USING (value)"
        f" WHERE size <= {MOST_SHARED:d} AND id <> first_id"
    )
    return int(reader.row(f"SELECT count(*) FROM {_SHARED} WHERE size > {MOST_SHARED:d}")[0])


def _spread(reader: Reader) -> bool:
    """Let each profile take the lowest ID that it is linked with. Returns whether one changed."""
    links = f"(FROM {_LINKS} UNION ALL SELECT first_id AS profile_id, profile_id AS first_id FROM {_LINKS})"
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_NEXT} AS"
        f" SELECT link.profile_id, min(least(other.unified_id, jumped.unified_id)) AS unified_id"
        f" FROM {links} link JOIN {_LABELS} other ON other.profile_id = link.first_id"
        f" JOIN {_LABELS} jumped ON jumped.profile_id = other.unified_id GROUP BY 1"
    )
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_NEXT} AS"
        f" SELECT profile_id, least(label.unified_id, next.unified_id) AS unified_id,"
        f" next.unified_id < label.unified_id AS changed FROM {_LABELS} label JOIN {_NEXT} next USING (profile_id)"
    )
    changed = bool(reader.row(f"SELECT count(*) FROM {_NEXT} WHERE changed")[0])
    if changed:
        reader.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE {_LABELS} AS SELECT profile_id, unified_id FROM {_NEXT}"
        )
    return changed

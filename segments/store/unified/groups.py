"""Find which profiles are one customer: those that share a value of an identifying attribute, directly or through
others.

For each value that several profiles share, every one of them is linked with the one of the lowest ID. The groups
are the connected components of these links. Each profile first takes the lowest ID that it is linked with as its
label. Mostly that is all; where linked profiles have different labels, labels are linked and spread in the same
way, until none changes. To look up the label that a label has itself shortens long chains.
"""

from dataclasses import dataclass
from typing import Final

from segments.store.lake import Reader
from segments.store.unified.rules import MOST_SHARED, UnifyRules

# The temporary table of the profiles in groups of two or more: ``profile_id`` and ``unified_id``, which is the
# lowest ID of the group.
GROUPS: Final = "unified_groups"
# The temporary tables of linked profiles, and of linked labels: ``one_id`` and the lower ``other_id``.
_LINKS: Final = "unified_links"
_CONFLICTS: Final = "unified_conflicts"
# Those of the labels of profiles, and of the labels of labels: ``profile_id`` and ``unified_id``.
_LABELS: Final = "unified_labels"
_MERGED: Final = "unified_merged"
_NEXT: Final = "unified_next"
# Links with the label of one of their profiles, and of both.
_HALF: Final = "unified_half"
_BOTH: Final = "unified_both"
_VALUES: Final = "unified_values"
_SHARED: Final = "unified_shared"


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
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_LINKS} (one_id BIGINT, other_id BIGINT)")
    ignored = sum(_link(reader, each.values(profiles)) for each in rules.identifiers)
    _label(reader, _LINKS, _LABELS)
    _find_conflicts(reader)
    _label(reader, _CONFLICTS, _MERGED)
    while _spread(reader):
        pass
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {GROUPS} AS"
        f" SELECT label.profile_id, coalesce(merged.unified_id, label.unified_id) AS unified_id"
        f" FROM {_LABELS} AS label LEFT JOIN {_MERGED} AS merged ON merged.profile_id = label.unified_id"
    )
    drop(reader, _LINKS, _HALF, _BOTH, _CONFLICTS, _LABELS, _MERGED, _NEXT, _VALUES, _SHARED)
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


def _link(reader: Reader, values: str) -> int:
    """Link the profiles that share a value. Returns how many values were ignored."""
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_VALUES} AS {values}")
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_SHARED} AS SELECT value, min(id) AS first_id, count(*) AS size"
        f" FROM {_VALUES} GROUP BY 1 HAVING count(*) > 1"
    )
    reader.execute(
        f"INSERT INTO {_LINKS} SELECT id, first_id FROM {_VALUES} JOIN {_SHARED} USING (value)"
        f" WHERE size <= {MOST_SHARED:d} AND id <> first_id"
    )
    return int(reader.row(f"SELECT count(*) FROM {_SHARED} WHERE size > {MOST_SHARED:d}")[0])


def _find_conflicts(reader: Reader) -> None:
    """Link the different labels of linked profiles. Each join is a statement of its own: in one, DuckDB may join
    all labels with all others that differ first."""
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_HALF} AS SELECT label.unified_id AS one_label, link.other_id"
        f" FROM {_LINKS} AS link JOIN {_LABELS} AS label ON label.profile_id = link.one_id"
    )
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_BOTH} AS SELECT half.one_label, label.unified_id AS other_label"
        f" FROM {_HALF} AS half JOIN {_LABELS} AS label ON label.profile_id = half.other_id"
    )
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_CONFLICTS} AS"
        " SELECT DISTINCT greatest(one_label, other_label) AS one_id, least(one_label, other_label) AS other_id"
        f" FROM {_BOTH} WHERE one_label <> other_label"
    )


def _label(reader: Reader, links: str, labels: str) -> None:
    """Fill a table of labels: the lowest ID that each ID is linked with."""
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {labels} AS SELECT one_id AS profile_id, min(other_id) AS unified_id"
        f" FROM (FROM {links} UNION ALL SELECT other_id, other_id FROM {links}) GROUP BY 1"
    )


def _spread(reader: Reader) -> bool:
    """Let each label take the lowest label that it is linked with. Returns whether one changed."""
    links = f"(FROM {_CONFLICTS} UNION ALL SELECT other_id, one_id FROM {_CONFLICTS})"
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_NEXT} AS"
        f" SELECT link.one_id AS profile_id, min(least(other.unified_id, jumped.unified_id)) AS unified_id"
        f" FROM {links} link JOIN {_MERGED} other ON other.profile_id = link.other_id"
        f" JOIN {_MERGED} jumped ON jumped.profile_id = other.unified_id GROUP BY 1"
    )
    changed = reader.row(
        f"SELECT count(*) FROM {_MERGED} merged JOIN {_NEXT} next USING (profile_id)"
        " WHERE next.unified_id < merged.unified_id"
    )[0]
    if changed:
        reader.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE {_MERGED} AS SELECT profile_id,"
            f" least(merged.unified_id, next.unified_id) AS unified_id"
            f" FROM {_MERGED} merged JOIN {_NEXT} next USING (profile_id)"
        )
    return bool(changed)

"""The reading door for exports: who is in these segments, and with what attributes. Nobody outside this app
touches its tables otherwise."""

from collections.abc import Sequence

# What we take for a deliverable address, after trimming and lower-casing: ASCII before the @ (the vendor refuses
# anything else), labels of letters, digits and hyphens after it, at least two of them.
VALID_EMAIL = (
    r"^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    r"(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.[a-z][a-z0-9-]*[a-z0-9]$"
)
LONGEST_EMAIL = 254


def members_sql(segment_ids: Sequence[int]) -> tuple[str, list[object]]:
    """A query of everyone in any of the segments, once each: columns ``profile_id``, ``profile_key``,
    ``attributes`` (jsonb) and ``updated_at``. Returns SQL and its parameters, to stand in a FROM clause."""
    sql = """
        SELECT profile.id AS profile_id, profile.key AS profile_key, profile.attributes, profile.updated_at
          FROM segments_profile profile
         WHERE profile.id IN (SELECT member.profile_id FROM segments_member member
                               WHERE member.segment_id = ANY(%s))
    """
    return sql, [list(segment_ids)]


def email_sql(attribute: str) -> tuple[str, list[object]]:
    """An expression over ``attributes`` that gives the address trimmed and lower-cased, NULL when there is
    none."""
    return "nullif(lower(btrim(attributes ->> %s, E' \\t\\r\\n')), '')", [attribute]

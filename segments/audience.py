"""Read members, attributes and segments for exports. Other apps read the tables of this app only through this
module."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Lower

from config.platform import db
from config.platform.jobs.models import OPEN
from config.platform.text.addresses import LONGEST_EMAIL, VALID_EMAIL
from segments import catalog
from segments.catalog import Attribute
from segments.models import ImportJob, Profile, Segment, SegmentRefresh, SegmentSchedule
from segments.models.profile import email_sql
from segments.store.selection import MEANS_YES, MemberSelection

__all__ = ["Attribute", "MemberSelection"]  # of other modules of this app, for other apps


@dataclass(frozen=True)
class EmailQuality:
    """Counts that show how well an attribute serves as email: members, members with a value, those with a valid
    address, and different addresses."""

    members: int
    filled: int
    valid: int
    unique: int


@dataclass(frozen=True)
class SegmentSummary:
    """A segment for other apps; ``refreshed_at`` is None before its first refresh."""

    id: int
    name: str
    member_count: int
    refreshed_at: datetime | None


@dataclass(frozen=True)
class EmailMatch:
    """A profile that has an address: the attributes that hold it, and the profile's segments."""

    id: int
    key: str
    source_name: str
    attributes: frozenset[str]
    segment_ids: frozenset[int]


@dataclass(frozen=True)
class ProfileSummary:
    """A profile for other apps."""

    id: int
    key: str
    source_name: str
    attributes: Mapping[str, object]
    updated_at: datetime


def attributes() -> list[Attribute]:
    """Return every attribute with its type, by name."""
    return catalog.attributes()


def common_values(attributes: Sequence[str]) -> dict[str, list[str]]:
    """Return the different values of text attributes; an empty list for an attribute that has too many to
    choose from."""
    return catalog.common_values(attributes)


def write_members(segment_ids: Sequence[int], selection: MemberSelection, *, table: str) -> None:
    """Write each member of any of the segments once into a new temporary table, in the order of addresses and of
    those with one address the latest first. The table is dropped at the end of the transaction.

    Columns: ``profile_id`` bigint; ``updated_at`` timestamptz; ``email`` text, normalized, NULL without a value,
    the trimmed text when it is no address; ``valid`` boolean, whether mail can be delivered to it, NULL without a
    value; ``mapped`` text, a JSON array of the mapped attributes; ``agreed`` and ``declined`` boolean, by the
    attribute for consent; ``says_0``, ``says_1`` … boolean, whether each yes/no attribute says yes."""
    sql, parameters = _selected(selection, *_members_sql(segment_ids))
    # Several processors sort here; a temporary table is read by one alone, which finds the members sorted.
    _create_temporary(table, f"{sql} ORDER BY email, updated_at DESC, profile_id DESC", parameters)


def write_profiles(profile_ids: Iterable[Sequence[int]], selection: MemberSelection, *, table: str) -> None:
    """Write the profiles with these IDs, given in blocks, into a new temporary table with the columns of
    ``write_members``. Deleted profiles are left out."""
    by_id = f"{_PROFILES} WHERE profile.id = ANY(%s::bigint[])"
    _create_temporary(table, *_selected(selection, by_id, ["{}"]))
    with connection.cursor() as cursor:
        for block in profile_ids:
            sql, parameters = _selected(selection, by_id, [_as_array(block)])
            cursor.execute(f"INSERT INTO {table} {sql}", parameters)


def members_with_email(segment_ids: Sequence[int], attribute: str, emails: Collection[str]) -> set[str]:
    """Select those of the normalized ``emails`` that members of the segments have in ``attribute``. Within
    a transaction."""
    members, values = _members_sql(segment_ids)
    email, email_values = email_sql(attribute)
    sql = f"""
        SELECT DISTINCT email FROM (SELECT {email} AS email FROM ({members}) member) member
         WHERE email IN (SELECT jsonb_array_elements_text(%s))
    """  # noqa: S608 - only our own fragments are put in; every value is a parameter
    with db.without_nested_loops(), connection.cursor() as cursor:
        cursor.execute(sql, [*email_values, *values, db.as_json(emails)])
        return {found for (found,) in cursor.fetchall()}


def existing_profiles(ids: Collection[int]) -> set[int]:
    """Select those of the IDs that a profile has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM segments_profile WHERE id = ANY(%s::bigint[])", [_as_array(ids)])
        return {pk for (pk,) in cursor.fetchall()}


def email_quality(attribute: str, segment_ids: Sequence[int]) -> EmailQuality:
    """Count how well ``attribute`` serves as email for the members of the segments."""
    members, values = _members_sql(segment_ids)
    email, email_values = email_sql(attribute)
    # Validates each different address once; OFFSET 0 keeps the planner from repeating that for every count.
    sql = f"""
        SELECT coalesce(sum(people), 0)::bigint,
               coalesce(sum(people) FILTER (WHERE email IS NOT NULL), 0)::bigint,
               coalesce(sum(people) FILTER (WHERE valid), 0)::bigint,
               count(*) FILTER (WHERE valid)
          FROM (SELECT people, email, email ~ %s AND length(email) <= %s AS valid
                  FROM (SELECT {email} AS email, count(*) AS people FROM ({members}) member GROUP BY 1) address
                OFFSET 0) validated
    """  # noqa: S608
    parameters: list[Any] = [VALID_EMAIL, LONGEST_EMAIL, *email_values, *values]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return EmailQuality(*cursor.fetchone())


def member_counts(ids: Sequence[int]) -> dict[int, int]:
    """Return the number of members of each segment after its last refresh; 0 for a removed segment."""
    found = dict(Segment.objects.filter(pk__in=ids).values_list("pk", "member_count"))
    return {pk: found.get(pk, 0) for pk in ids}


def segment_summaries(ids: Sequence[int] | None = None) -> list[SegmentSummary]:
    """Return the segments with these IDs, or all, by name."""
    segments = Segment.objects.order_by(Lower("name"))
    if ids is not None:
        segments = segments.filter(pk__in=ids)
    return [SegmentSummary(*row) for row in segments.values_list("id", "name", "member_count", "refreshed_at")]


def open_refreshes(segment_ids: Sequence[int], *, asked_until: datetime) -> list[str]:
    """Return the names of these segments, and of all data sources, with a refresh or import that was due or
    requested by ``asked_until`` and has not ended: their data are not current yet."""
    asked = Q(created_at__lte=asked_until) | Q(ticks__due_at__lte=asked_until)
    refreshes = SegmentRefresh.objects.filter(asked, segment__in=segment_ids, status__in=OPEN)
    # Also what is due at that moment and whose tick has not come yet.
    due = SegmentSchedule.objects.filter(segment__in=segment_ids, due_at__lte=asked_until)
    imports = ImportJob.objects.filter(status__in=OPEN, created_at__lte=asked_until)
    segments = {*refreshes.values_list("segment__name", flat=True), *due.values_list("segment__name", flat=True)}
    return [*sorted(segments), *sorted(set(imports.values_list("source__name", flat=True)))]


def overlaps(segment_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """Count the members that each two of the segments share, by their IDs with the lower first, in one query.
    Pairs without shared members are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT one.segment_id, other.segment_id, count(*)
              FROM segments_member one
              JOIN segments_member other
                ON other.profile_id = one.profile_id AND other.segment_id > one.segment_id
               AND other.segment_id = ANY(%s)
             WHERE one.segment_id = ANY(%s) GROUP BY 1, 2
            """,
            [list(segment_ids), list(segment_ids)],
        )
        return {(one, other): people for one, other, people in cursor.fetchall()}


def profiles_with_email(email: str, attributes: Collection[str]) -> list[EmailMatch]:
    """Find the profiles that have the normalized ``email`` in one of ``attributes``."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT profile.id, profile.key, source.name,
                   array(SELECT name FROM unnest(%s::text[]) name
                          WHERE profile.emails ->> name = %s),
                   array(SELECT segment_id FROM segments_member member WHERE member.profile_id = profile.id)
              FROM segments_profile profile JOIN segments_datasource source ON source.id = profile.source_id
             WHERE %s IN (SELECT profile.emails ->> name FROM unnest(%s::text[]) name) ORDER BY profile.id
            """,
            [sorted(attributes), email, email, sorted(attributes)],
        )
        rows = cursor.fetchall()
    return [
        EmailMatch(pk, key, source, frozenset(names), frozenset(segments))
        for pk, key, source, names, segments in rows
        if names
    ]


def find_profile(profile_id: int) -> ProfileSummary | None:
    """Return the profile with an ID, or None when there is none."""
    profile = Profile.objects.select_related("source").filter(pk=profile_id).first()
    if profile is None:
        return None
    return ProfileSummary(
        profile.pk, profile.key, profile.source.name, MappingProxyType(profile.attributes), profile.updated_at
    )


_PROFILES = """
    SELECT profile.id AS profile_id, profile.attributes, profile.emails, profile.updated_at
      FROM segments_profile profile
"""


def _members_sql(segment_ids: Sequence[int]) -> tuple[str, list[Any]]:
    """Return SQL and parameters that select each member of any of the segments once, for a FROM clause."""
    members = "SELECT member.profile_id FROM segments_member member WHERE member.segment_id = ANY(%s)"
    return f"{_PROFILES} WHERE profile.id IN ({members})", [list(segment_ids)]


def _selected(selection: MemberSelection, profiles: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """Return SQL and parameters of the selection of ``profiles``, a query with the columns of ``_PROFILES``."""
    email, email_values = email_sql(selection.email)
    mapped = f"json_build_array({', '.join(['attributes -> %s'] * len(selection.mapped))})::text"
    agreed, declined, consent = "true", "false", []
    if selection.consent:
        agreed, declined = (f"coalesce(attributes -> %s = '{said}'::jsonb, false)" for said in ("true", "false"))
        consent = [selection.consent] * 2
    says = {f"says_{at}": attribute for at, attribute in enumerate(selection.yes_no)}
    yes = "".join(f", coalesce(lower(btrim(attributes ->> %s)) = ANY (%s), false) AS {name}" for name in says)
    yes_values = [value for attribute in says.values() for value in (attribute, list(MEANS_YES))]
    # Every address is computed once, and by all processors. PostgreSQL merges a query into the one around it
    # where it can, and would then compute an address wherever it is used. OFFSET 0, the usual fence, keeps
    # parallel workers out too; a volatile column is a fence that does not.
    sql = f"""
        SELECT {", ".join(["profile_id", "updated_at", "email", "mapped", "agreed", "declined", *says])},
               email ~ %s AND octet_length(email) <= %s AS valid
          FROM (SELECT profile_id, updated_at, {email} AS email, {mapped} AS mapped, {agreed} AS agreed,
                       {declined} AS declined{yes}, clock_timestamp() AS fence
                  FROM ({profiles}) profile) selected
    """  # noqa: S608 - only our own fragments are put in; every value is a parameter
    parameters = [*email_values, *selection.mapped, *consent, *yes_values, *values]
    return sql, [VALID_EMAIL, LONGEST_EMAIL, *parameters]


def _create_temporary(table: str, sql: str, parameters: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {sql}", parameters)


def _as_array(ids: Iterable[int]) -> str:
    """Return IDs as the text of an array, which PostgreSQL reads faster than a list of values."""
    return f"{{{','.join(map(str, ids))}}}"

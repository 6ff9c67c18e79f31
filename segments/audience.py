"""The reading door for exports: who is in these segments, and with what attributes. Nobody outside this app
touches its tables otherwise."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Lower

from config.platform.jobs.models import OPEN
from config.platform.text.addresses import LONGEST_EMAIL, VALID_EMAIL
from segments import catalog
from segments.catalog import Attribute
from segments.models import ImportJob, Profile, Segment, SegmentRefresh, SegmentSchedule


def members_sql(segment_ids: Sequence[int]) -> tuple[str, list[object]]:
    """A query of everyone in any of the segments, once each: columns ``profile_id``, ``profile_key``,
    ``attributes`` and ``emails`` (jsonb), ``updated_at``. Returns SQL and its parameters, for a FROM clause."""
    sql = """
        SELECT profile.id AS profile_id, profile.key AS profile_key, profile.attributes, profile.emails,
               profile.updated_at
          FROM segments_profile profile
         WHERE profile.id IN (SELECT member.profile_id FROM segments_member member
                               WHERE member.segment_id = ANY(%s))
    """
    return sql, [list(segment_ids)]


def email_sql(attribute: str) -> tuple[str, list[object]]:
    """An expression over ``attributes`` and ``emails`` that gives the normal form of an address as it was stored
    on import, NULL when there is no value. What does not look like an address is given as it is, trimmed: it is
    never deliverable."""
    value = "nullif(lower(btrim(attributes ->> %s, E' \\t\\r\\n')), '')"
    return f"coalesce(emails ->> %s, {value})", [attribute, attribute]


@dataclass(frozen=True)
class Quality:
    """How good an attribute is as an address, over some people: how many they are, how many have a value, how
    many of these are deliverable addresses, and how many different ones."""

    members: int
    filled: int
    valid: int
    unique: int


@dataclass(frozen=True)
class SegmentSummary:
    """A segment as others see it; ``refreshed_at`` is None when it was never drawn."""

    id: int
    name: str
    member_count: int
    refreshed_at: datetime | None


@dataclass(frozen=True)
class AddressHolder:
    """A person with a certain address: in which attributes it stands, and in which segments they are."""

    id: int
    key: str
    source_name: str
    attributes: frozenset[str]
    segment_ids: frozenset[int]


@dataclass(frozen=True)
class ProfileSummary:
    """A person as others see them."""

    id: int
    key: str
    source_name: str
    attributes: Mapping[str, object]
    updated_at: datetime


def attribute_catalogue() -> list[Attribute]:
    """Every attribute that profiles have, with its type, by name."""
    return catalog.catalogue()


def common_values(attributes: Sequence[str]) -> dict[str, list[str]]:
    """The different values that profiles have in each of these text attributes; none where they are too many to
    choose from."""
    return catalog.common_values_of(attributes)


def quality(attribute: str, segment_ids: Sequence[int]) -> Quality:
    """How well ``attribute`` serves as an address for the members of the segments."""
    members, values = members_sql(segment_ids)
    email, email_values = email_sql(attribute)
    # Each different address is judged once; OFFSET 0 keeps the planner from judging it in every count.
    sql = f"""
        SELECT coalesce(sum(people), 0)::bigint,
               coalesce(sum(people) FILTER (WHERE email IS NOT NULL), 0)::bigint,
               coalesce(sum(people) FILTER (WHERE valid), 0)::bigint,
               count(*) FILTER (WHERE valid)
          FROM (SELECT people, email, email ~ %s AND length(email) <= %s AS valid
                  FROM (SELECT {email} AS email, count(*) AS people FROM ({members}) member GROUP BY 1) address
                OFFSET 0) judged
    """  # noqa: S608
    judged_by: list[Any] = [VALID_EMAIL, LONGEST_EMAIL, *email_values, *values]
    with connection.cursor() as cursor:
        cursor.execute(sql, judged_by)
        return Quality(*cursor.fetchone())


def member_counts(ids: Sequence[int]) -> dict[int, int]:
    """How many members each of these segments had when it was last drawn; none where it is gone."""
    found = dict(Segment.objects.filter(pk__in=ids).values_list("pk", "member_count"))
    return {pk: found.get(pk, 0) for pk in ids}


def segment_summaries(ids: Sequence[int] | None = None) -> list[SegmentSummary]:
    """The segments with these ids, or all, by name."""
    segments = Segment.objects.order_by(Lower("name"))
    if ids is not None:
        segments = segments.filter(pk__in=ids)
    return [SegmentSummary(*row) for row in segments.values_list("id", "name", "member_count", "refreshed_at")]


def being_refreshed(segment_ids: Sequence[int], *, asked_until: datetime) -> list[str]:
    """The names of those segments, and of any data source, whose refresh was due or asked for by then and has not
    ended. Whoever reads them now reads what they were before it."""
    asked = Q(created_at__lte=asked_until) | Q(ticks__due_at__lte=asked_until)
    refreshes = SegmentRefresh.objects.filter(asked, segment__in=segment_ids, status__in=OPEN)
    # Due at the same moment, and its tick is a moment behind.
    due = SegmentSchedule.objects.filter(segment__in=segment_ids, due_at__lte=asked_until)
    imports = ImportJob.objects.filter(status__in=OPEN, created_at__lte=asked_until)
    segments = {*refreshes.values_list("segment__name", flat=True), *due.values_list("segment__name", flat=True)}
    return [*sorted(segments), *sorted(set(imports.values_list("source__name", flat=True)))]


def overlaps(segment_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """How many people each two of the segments share, the lower id first; pairs that share nobody are left out.
    One query, however many pairs there are."""
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


def holders_of(email: str, attributes: Collection[str]) -> list[AddressHolder]:
    """Find the profiles that have ``email``, a comparable form, in one of ``attributes``."""
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
        AddressHolder(pk, key, source, frozenset(names), frozenset(segments))
        for pk, key, source, names, segments in rows
        if names
    ]


def find_profile(profile_id: int) -> ProfileSummary | None:
    """The person with that id, or None when there is none (any more)."""
    profile = Profile.objects.select_related("source").filter(pk=profile_id).first()
    if profile is None:
        return None
    return ProfileSummary(
        profile.pk, profile.key, profile.source.name, MappingProxyType(profile.attributes), profile.updated_at
    )

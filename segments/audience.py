"""Read members, attributes and segments for exports. Other apps read the tables of this app only through this
module."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Lower

from config.platform.jobs.models import OPEN
from config.platform.text.addresses import comparable_email, trim_invisible
from config.platform.text.value_format import MappedValue
from segments import catalog
from segments.catalog import Attribute
from segments.models import ImportJob, MemberSet, Segment, SegmentRefresh, SegmentSchedule, Unification
from segments.store import lake, matching, members, samples
from segments.store import values as value_counts
from segments.store.assumed import assumed_of, assuming, is_assumed
from segments.store.lake import Reader, as_list, listed
from segments.store.profiles import (
    Condition,
    Profile,
    existing_ids,
    get_profile,
    profiles_by_id,
    select_profiles,
    source_profiles,
    visible_profiles,
)
from segments.store.samples import Sample
from segments.store.selection import MemberSelection, email_sql, is_excluded_sql, selection_sql
from segments.store.transfer import copy_to_temporary_table, load_temporary_table
from segments.store.unified.reading import parts_sql, with_current_ids
from segments.store.unified.rules import is_applied

__all__ = ["Attribute", "MemberSelection", "Sample"]  # of other modules of this app, for other apps


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


@dataclass(frozen=True)
class ProfileQuery:
    """A query of DuckDB, ``sql``, with a row for each of about ``size`` profiles; its columns are those of
    ``selection_sql``. Temporary tables can be read beside it."""

    sql: str
    size: int
    reader: Reader

    def load(self, table: str, query: str, parameters: Sequence[object], columns: Mapping[str, str]) -> None:
        """Fill a temporary table of DuckDB with the rows of a query of PostgreSQL, as this transaction sees them;
        ``columns`` are its columns with their types in DuckDB."""
        load_temporary_table(self.reader, query, parameters, columns, table)

    def write(self, table: str, query: str, columns: Mapping[str, str]) -> None:
        """Write the rows of a query of DuckDB into a new temporary table of PostgreSQL, which is dropped at the
        end of the transaction; ``columns`` are its columns with their types in PostgreSQL."""
        copy_to_temporary_table(self.reader, query, columns, table)


def attributes() -> list[Attribute]:
    """Return every attribute with its type, by name."""
    return catalog.attributes()


def common_values(attributes: Sequence[str]) -> dict[str, list[str]]:
    """Return the different values of text attributes; an empty list for an attribute that has too many to
    choose from."""
    return value_counts.common_values(attributes)


def sample_values(values: Sequence[MappedValue], *, most: int = 3) -> list[list[Sample]]:
    """Return for each of these values up to ``most`` different samples of the first profiles, as they are and as
    they are sent."""
    return samples.read_samples(values, most=most)


def given_values(ids: Collection[int], values: Sequence[MappedValue]) -> dict[int, list[str]]:
    """Return the values of these profiles as they are, before their formats, by the ID of the profile; an empty
    text for each that is missing."""
    return samples.read_given(ids, values)


@contextmanager
def reading_members(segment_ids: Sequence[int], selection: MemberSelection) -> Iterator[ProfileQuery]:
    """Select each member of any of the segments once, for a block. Raises MemberSetIncomplete."""
    sets = _sets_of(segment_ids)
    assumed = assumed_of(segment_ids)
    excluded_sets = _sets_of(_exclusion())
    # PostgreSQL says who is being erased. It is asked before the version of the store is chosen: an erasure that
    # ends in between is then seen by one of the two.
    selected = selection_sql(selection, _members(sets, assumed), _excluded(excluded_sets))
    size = sum(sets.values()) + sum(member_counts(assumed).values())
    with lake.reading() as reader:
        members.check_complete(reader, sets | excluded_sets)
        yield ProfileQuery(selected, size, reader)


@contextmanager
def reading_profiles(ids: Iterable[Sequence[int]], selection: MemberSelection) -> Iterator[ProfileQuery]:
    """Select the profiles with these IDs, given in blocks, for a block of code. Deleted profiles are left out; one
    that is part of a unified profile has the values of that."""
    with lake.reading() as reader:
        reader.execute("CREATE OR REPLACE TEMPORARY TABLE wanted_ids (id BIGINT)")
        size = 0
        for block in ids:
            reader.execute(f"INSERT INTO wanted_ids {listed('BIGINT')}", [as_list(block)])
            size += len(block)
        wanted = _wanted_profiles("wanted_ids")
        yield ProfileQuery(selection_sql(selection, wanted, _excluded(_sets_of(_exclusion()))), size, reader)


def members_with_email(segment_ids: Sequence[int], attribute: str, emails: Collection[str]) -> set[str]:
    """Select those of the normalized ``emails`` that members of the segments have in ``attribute``, without those
    of the exclusion segment. Raises MemberSetIncomplete."""
    sets, excluded_sets = _sets_of(segment_ids), _sets_of(_exclusion())
    known = {each.name: each for each in catalog.attributes()}
    email = email_sql(attribute, known)
    found_in = _members(sets, assumed_of(segment_ids))
    is_excluded = f" AND NOT ({is_excluded_sql(_excluded(excluded_sets), known)})" if excluded_sets else ""
    with lake.reading() as reader:
        members.check_complete(reader, sets | excluded_sets)
        rows = reader.rows(
            f"SELECT DISTINCT email FROM (SELECT id AS profile_id, {email} AS email FROM {found_in})"  # noqa: S608
            f" WHERE email IN {listed('VARCHAR')}{is_excluded}",
            [as_list(emails)],
        )
    return {found for (found,) in rows}


def write_left_segments(
    table: str,
    emails: str,
    *,
    attribute: str,
    segment_ids: Collection[int],
    former_ids: Collection[int],
) -> None:
    """Write which segment each address of ``emails``, a query of PostgreSQL, has left, into a new temporary table
    of PostgreSQL: ``email``, ``segment``, ``is_member`` and ``has_profile``.

    A segment was left where its set before the last change has the profile. Addresses of members of ``former_ids``
    are members of these still, and these are named. The segment is None where it was left earlier."""
    left = Segment.objects.filter(pk__in=segment_ids).exclude(previous_set=None)
    sets = {set_id: (name, False) for set_id, name in left.values_list("previous_set", "name")}
    former = Segment.objects.filter(pk__in=former_ids).exclude(member_set=None)
    sets |= {set_id: (name, True) for set_id, name in former.values_list("member_set", "name")}
    email = email_sql(attribute, {each.name: each for each in catalog.attributes()})
    with lake.reading() as reader:
        load_temporary_table(reader, emails, [], {"email": "VARCHAR"}, "leaving_email")
        reader.execute("CREATE OR REPLACE TEMPORARY TABLE left_set (id BIGINT, name VARCHAR, is_former BOOLEAN)")
        for set_id, (name, is_former) in sets.items():
            reader.execute("INSERT INTO left_set VALUES (?, ?, ?)", [set_id, name, is_former])
        reader.execute(
            "CREATE OR REPLACE TEMPORARY TABLE leaving_profile AS"  # noqa: S608
            f" SELECT id, email FROM (SELECT id, {email} AS email FROM {visible_profiles()})"
            " WHERE email IN (SELECT email FROM leaving_email)"
        )
        copy_to_temporary_table(
            reader,
            f"""
            SELECT leaving.email, coalesce(min(left_set.name) FILTER (WHERE is_former), min(left_set.name)),
                   coalesce(bool_or(left_set.is_former), false), count(profile.id) > 0
              FROM leaving_email AS leaving
              LEFT JOIN leaving_profile AS profile ON profile.email = leaving.email
              LEFT JOIN ({members.members_of_each(sets)}) AS member ON member.profile_id = profile.id
              LEFT JOIN left_set ON left_set.id = member.set_id
             GROUP BY leaving.email
            """,  # noqa: S608 - only our own fragments are put in
            {"email": "text", "segment": "text", "is_member": "boolean", "has_profile": "boolean"},
            table,
        )


def existing_profiles(ids: Collection[int]) -> set[int]:
    """Select those of the IDs that a profile has."""
    return existing_ids(ids)


def keys_of(ids: Collection[int]) -> dict[int, str]:
    """Return the keys of the profiles with these IDs, by ID."""
    return {each.id: each.key for each in profiles_by_id(ids)}


def ids_with_key(key: str) -> list[int]:
    """Return the IDs of the profiles with a key, in any case; several where data sources share it."""
    return [each.id for each in select_profiles(Condition("lower(key) = lower(?)", [key]))] if key else []


def email_quality(attribute: str, segment_ids: Sequence[int]) -> EmailQuality:
    """Count how well ``attribute`` serves as email for the members of the segments."""
    selected = selection_sql(MemberSelection(attribute), _members(_sets_of(segment_ids)))
    with lake.reading() as reader:
        return EmailQuality(
            *reader.row(
                "SELECT count(*), count(email), count(*) FILTER (WHERE valid),"  # noqa: S608
                f" count(DISTINCT email) FILTER (WHERE valid) FROM ({selected})"
            )
        )


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
    """Return the names of these segments, of the exclusion segment, of all data sources and of the identity rules,
    with a refresh or import that was due or requested by ``asked_until`` and has not ended: their data are not
    current yet."""
    segment_ids = [*segment_ids, *_exclusion()]
    asked = Q(created_at__lte=asked_until) | Q(ticks__due_at__lte=asked_until)
    refreshes = SegmentRefresh.objects.filter(asked, segment__in=segment_ids, status__in=OPEN)
    # Also what is due at that moment and whose tick has not come yet.
    due = SegmentSchedule.objects.filter(segment__in=segment_ids, due_at__lte=asked_until)
    imports = ImportJob.objects.filter(status__in=OPEN, created_at__lte=asked_until)
    segments = {*refreshes.values_list("segment__name", flat=True), *due.values_list("segment__name", flat=True)}
    unifications = Unification.objects.filter(status__in=OPEN, created_at__lte=asked_until)
    sources = {*imports.values_list("source__name", flat=True), *map(str, unifications)}
    return [*sorted(segments), *sorted(sources)]


def overlaps(segment_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """Count the members that each two of the segments share, by their IDs with the lower first. Pairs without
    shared members are left out."""
    segment_of = {set_id: pk for pk, set_id in _set_ids(segment_ids).items()}
    with lake.reading() as reader:
        found = members.overlaps(reader, list(segment_of))
    pairs = {(segment_of[one], segment_of[other]): people for (one, other), people in found.items()}
    return {(min(pair), max(pair)): people for pair, people in pairs.items()}


def profiles_with_email(email: str, attributes: Collection[str]) -> list[EmailMatch]:
    """Find the profiles that have the normalized ``email`` in one of ``attributes``. Of a text that is no address,
    those that have it in lower case."""
    is_address = comparable_email(email) is not None
    known = {each.name: each for each in catalog.attributes() if each.name in attributes}
    columns = [each.email_column for each in known.values() if each.has_emails]
    if not is_address:
        columns = [email_sql(name, known) for name in known]
    if not columns:
        return []
    has_email = " OR ".join(f"coalesce({column} = $email, false)" for column in columns)
    found = select_profiles(Condition(f"({has_email})", {"email": email}))
    segment_of = {set_id: pk for pk, set_id in _set_ids().items()}
    with lake.reading() as reader:
        sets = {each.id: members.sets_of_profile(reader, each.id, list(segment_of)) for each in found}
    return [
        EmailMatch(
            id=each.id,
            key=each.key,
            source_name=each.source_name,
            attributes=frozenset(name for name in attributes if _email_text(each, name, is_address) == email),
            segment_ids=frozenset(segment_of[set_id] for set_id in sets[each.id]),
        )
        for each in found
    ]


def _email_text(profile: Profile, attribute: str, is_address: bool) -> str | None:
    """Return the address in an attribute of a profile, or the text there that is none."""
    if is_address:
        return profile.emails.get(attribute)
    return trim_invisible(str(profile.attributes.get(attribute) or "")).lower()


def find_profile(profile_id: int) -> ProfileSummary | None:
    """Return the profile with an ID, or None when there is none."""
    profile = get_profile(profile_id)
    if profile is None:
        return None
    return ProfileSummary(profile.id, profile.key, profile.source_name, profile.attributes, profile.updated_at)


def _exclusion() -> list[int]:
    """Return the ID of the segment whose members no export sends, if there is one."""
    return list(Segment.objects.filter(is_exclusion=True).values_list("pk", flat=True))


def _excluded(sets: Collection[int]) -> str:
    """Return a query of the profiles that no export sends, in parentheses; empty without an exclusion segment. The
    parts of unified profiles are included, with their addresses."""
    if not sets or not is_applied():
        return _members(sets) if sets else ""
    parts = f"SELECT * FROM {source_profiles()} WHERE id IN ({parts_sql(members.members_sql(sets))})"  # noqa: S608
    return f"(SELECT * FROM {_members(sets)} UNION ALL BY NAME {parts})"  # noqa: S608


def _wanted_profiles(table: str) -> str:
    """Return a query of the profiles with the IDs in a table, in parentheses."""
    if not is_applied():
        return f"(SELECT * FROM {visible_profiles()} WHERE id IN (SELECT id FROM {table}))"  # noqa: S608
    return (
        f"(SELECT profile.* REPLACE (wanted.id AS id) FROM {visible_profiles()} AS profile"  # noqa: S608
        f" JOIN ({with_current_ids(table)}) AS wanted ON wanted.customer_id = profile.id)"
    )


def _set_ids(segment_ids: Collection[int] | None = None) -> dict[int, int]:
    """Return the ID of the current member set of each of these segments, or of all; segments without one are left
    out, and those whose rules say who their members are."""
    segments = Segment.objects.exclude(member_set=None)
    if segment_ids is not None:
        segments = segments.filter(pk__in=segment_ids)
    found = segments.values_list("pk", "member_set")
    return {pk: set_id for pk, set_id in found if set_id is not None and not is_assumed(pk)}


def _sets_of(segment_ids: Collection[int]) -> dict[int, int]:
    """Return the current member sets of segments, with their sizes."""
    return dict(MemberSet.objects.filter(pk__in=_set_ids(segment_ids).values()).values_list("pk", "size"))


def _members(sets: Collection[int], assumed: Collection[int] = ()) -> str:
    """Return a query of the profiles in member sets, and of those that match the rules of the ``assumed``
    segments, in parentheses."""
    rules = (
        Segment.objects.filter(pk__in=assumed).order_by("pk").values_list("rules", flat=True) if assumed else ()
    )
    ids = " UNION ALL ".join([members.members_sql(sets), *map(matching.matching_sql, rules)])
    return f"(SELECT * FROM {visible_profiles()} WHERE id IN ({ids}))"  # noqa: S608


@contextmanager
def assuming_refreshed(segment_ids: Collection[int]) -> Iterator[None]:
    """Let plans inside the block read these segments as their present rules are, before they are refreshed, with
    their new counts. Within a transaction that is rolled back. Raises InvalidRules."""
    with assuming(segment_ids):
        for segment in Segment.objects.filter(pk__in=segment_ids):
            count = matching.count_rules(segment.rules).total
            Segment.objects.filter(pk=segment.pk).update(member_count=count)
        yield

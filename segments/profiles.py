"""Find and show profiles: search by key and text, pages, cells with masked values, CSV downloads.

There is no search index: a search reads the columns of all text attributes, in well under a second per ten million
profiles. Searches of users who see masked data are limited.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.text import csv_lines
from config.platform.text.addresses import comparable_email
from config.platform.web.formats import masked, number
from segments import catalog
from segments.catalog import Attribute
from segments.models import AttributeType, Segment
from segments.store import members
from segments.store import profiles as stored
from segments.store.profiles import EVERY_PROFILE, Condition, Profile
from segments.store.unified.reading import has_part

_CSV_STEP = 2000  # profiles read by one query
_SUMMARY_WORDS = ("mail", "name", "city", "country")
# With more matches a page is read along the IDs, instead of sorting all matches.
MAX_SORTED = 1_000
MAX_PER_MINUTE = 30
_WINDOW = 600  # seconds; the audit has at most one entry for each


class MemberChange(StrEnum):
    """What happened to a profile when the members of a segment changed last."""

    JOINED = "joined"
    LEFT = "left"


@dataclass(frozen=True)
class Cell:
    """A value as a user may see it; ``kind`` is the type of the attribute."""

    name: str
    kind: AttributeType
    text: str


@dataclass(frozen=True)
class ProfileRow:
    """A profile in a list, as a user may see it."""

    profile: Profile
    key: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class ProfilePage:
    """A page of profiles by ID, with whether there are pages before and after it. ``total`` is None above
    MAX_SORTED."""

    profiles: list[Profile]
    has_previous: bool
    has_next: bool
    total: int | None


@dataclass(frozen=True)
class PageStart:
    """Where a page starts: after the profile ID ``after``, or before the ID ``before``."""

    after: int = 0
    before: int | None = None


def profile_rows(profiles: Iterable[Profile], attributes: Sequence[Attribute], user: User) -> list[ProfileRow]:
    """Return the rows of profiles with the cells of ``attributes`` for a user."""
    return [
        ProfileRow(profile, shown_key(profile, user), cells(profile, attributes, user)) for profile in profiles
    ]


def summary_attributes(attributes: Sequence[Attribute], most: int = 5) -> list[Attribute]:
    """Choose the attributes that identify a profile in a list: email, names and places first, then other text."""
    texts = [attribute for attribute in attributes if attribute.data_type == AttributeType.TEXT]
    return sorted(texts, key=lambda attribute: _rank(attribute.name))[:most]


def cells(profile: Profile, attributes: Sequence[Attribute], user: User) -> list[Cell]:
    """Return the cells of ``attributes`` for a user; empty where the profile has no value."""
    return [_cell(attribute, profile.attributes, user) for attribute in attributes]


def shown_key(profile: Profile, user: User) -> str:
    """Return the key of a profile for a user, masked when it holds an address."""
    return masked(profile.key, user) if "@" in profile.key else profile.key


def all_profiles(start: PageStart, size: int) -> ProfilePage:
    """Return a page of all profiles, without a total."""
    return _walk(EVERY_PROFILE, start, size)


def find_profiles(
    words: str, attributes: Sequence[Attribute], start: PageStart, size: int, *, key_only: bool
) -> ProfilePage:
    """Return a page of the profiles whose key or text attributes contain every word, in any case. ``key_only``
    finds only an exact key: other results would reveal masked values."""
    condition = _has_key(words) if key_only else _holds_words(words, attributes)
    ids = sorted(stored.select_ids(condition, limit=MAX_SORTED + 1))
    if len(ids) > MAX_SORTED:
        return _walk(condition, start, size)
    return _page_of(ids, start, size)


def allow_search(user: User) -> bool:
    """Count a search of a user who sees masked data; False above MAX_PER_MINUTE. Records the first search and
    the first refusal in ten minutes, without the text, which may name a person. So keys cannot be tried
    unseen."""
    now = clock.now()
    if _count(user, "recorded", now, _WINDOW) == 1:
        record("customers searched", user, by=user)
    if _count(user, "minute", now, 60) <= MAX_PER_MINUTE:
        return True
    if _count(user, "refused", now, _WINDOW) == 1:
        record("search limit reached", user, by=user)
    return False


def first_members(segment: Segment, most: int) -> list[Profile]:
    """Return the first members of a segment by ID."""
    return stored.select_profiles(_is_member(segment), limit=most)


def changed_members(segment: Segment, change: MemberChange, most: int) -> list[Profile]:
    """Return the first profiles by ID that joined or left a segment at its last change. Profiles that have been
    deleted are left out."""
    if segment.member_set_id is None or segment.previous_set_id is None:
        return []
    sets = (segment.member_set_id, segment.previous_set_id)
    having, lacking = sets if change == MemberChange.JOINED else reversed(sets)
    condition = f"id IN ({members.members_sql([having])} EXCEPT {members.members_sql([lacking])})"
    return stored.select_profiles(Condition(condition), limit=most)


def members_csv(segment: Segment) -> Iterator[str]:
    """Generate CSV lines with all attributes of each member. Profiles are read in steps by ID, so that a
    million members need little memory and no open transaction."""
    names = [attribute.name for attribute in catalog.attributes()]
    yield csv_lines.BYTE_ORDER_MARK + csv_lines.csv_line(["key", *names])
    for profile in all_members(segment):
        yield csv_lines.csv_line([profile.key, *(_csv_value(profile.attributes.get(name)) for name in names)])


def all_members(segment: Segment) -> Iterator[Profile]:
    """Iterate over the members of a segment by ID, read in steps."""
    after, last = f"id > ? AND {_is_member(segment).sql}", 0
    while found := stored.select_profiles(Condition(after, [last]), limit=_CSV_STEP):
        yield from found
        last = found[-1].id


def _is_member(segment: Segment) -> Condition:
    return Condition(f"id IN ({members.members_sql([segment.member_set_id] if segment.member_set_id else [])})")


def _cell(attribute: Attribute, values: Mapping[str, object], user: User) -> Cell:
    value = values.get(attribute.name)
    if isinstance(value, bool):  # identifies no person
        return Cell(attribute.name, attribute.data_type, _("Yes") if value else _("No"))
    text = number(value) if isinstance(value, int | float) else str(value or "")
    return Cell(attribute.name, attribute.data_type, masked(text, user))


def _rank(name: str) -> tuple[int, str]:
    folded = name.casefold()
    return next((at for at, word in enumerate(_SUMMARY_WORDS) if word in folded), len(_SUMMARY_WORDS)), folded


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _page_of(ids: list[int], start: PageStart, size: int) -> ProfilePage:
    if start.before is not None:
        chosen = [pk for pk in ids if pk < start.before][-size:]
    else:
        chosen = [pk for pk in ids if pk > start.after][:size]
    has_previous = bool(chosen) and ids[0] < chosen[0]
    has_next = bool(chosen) and ids[-1] > chosen[-1]
    return ProfilePage(stored.profiles_by_id(chosen), has_previous, has_next, len(ids))


def _walk(condition: Condition, start: PageStart, size: int) -> ProfilePage:
    backwards = start.before is not None
    bound, order = ("id < ?", "DESC") if backwards else ("id > ?", "ASC")
    bound_id = start.before if backwards else start.after
    bounded = Condition(f"{bound} AND {condition.sql}", [bound_id, *condition.parameters])
    ids = stored.select_ids(bounded, order=order, limit=size + 1)
    more, ids = len(ids) > size, sorted(ids[:size])
    return ProfilePage(stored.profiles_by_id(ids), more if backwards else start.after > 0, backwards or more, None)


def _holds_words(words: str, attributes: Sequence[Attribute]) -> Condition:
    # Column by column: DuckDB folds the case of a value that many profiles have once.
    texts = ["key", *(each.column for each in attributes if _is_searched(each))]
    contained = " OR ".join(f"contains(lower({column}), lower(?))" for column in texts)
    conditions: list[str] = ["true"]
    values: list[str] = []
    for word in words.split():
        or_email, email = _or_email(word, attributes)
        # Keys and addresses of all profiles that a customer is made of, for these are what users look for.
        part = has_part(f"contains(lower(key), lower(?)){or_email}")
        conditions.append(f"({contained}{or_email} OR {part})")
        values += [*([word] * len(texts)), *email, *([word, *email] if part != "false" else [])]
    return Condition(" AND ".join(conditions), values)


def _is_searched(attribute: Attribute) -> bool:
    return attribute.is_searchable and attribute.data_type == AttributeType.TEXT


def _has_key(words: str) -> Condition:
    # A key with an address is shown masked, so that a search must not find it.
    has_key, key = "lower(key) = lower(?) AND NOT contains(key, '@')", " ".join(words.split())
    part = has_part(has_key)
    return Condition(f"({has_key} OR {part})", [key, key] if part != "false" else [key])


def _or_email(text: str, attributes: Sequence[Attribute]) -> tuple[str, list[str]]:
    """Return an SQL condition that a stored email equals ``text`` in any spelling; empty when it is no address."""
    email = comparable_email(text)
    columns = [each.email_column for each in attributes if each.has_emails]
    if email is None or not columns:
        return "", []
    return "".join(f" OR coalesce({column} = ?, false)" for column in columns), [email] * len(columns)


def _count(user: User, what: str, now: datetime, seconds: int) -> int:
    """Add one to the counter ``what`` of a user in this window of ``seconds``."""
    key = f"customer-search:{what}:{user.pk}:{int(now.timestamp()) // seconds}"
    cache.add(key, 0, timeout=2 * seconds)
    return int(cache.incr(key))

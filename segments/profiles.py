"""Find and show profiles: search by key and text, pages, cells with masked values, CSV downloads.

There is no search index: it would cost more at every import than it saves. Most searches find enough after reading
a little; a search without results reads all profiles, in well under a second per million. Searches of users who
see masked data are limited.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.text import csv_lines
from config.platform.text.addresses import comparable_email
from config.platform.web.formats import masked, number
from segments import catalog
from segments.catalog import Attribute
from segments.models import AttributeType, Profile, Segment

_CSV_STEP = 2000  # profiles read by one query
_SUMMARY_WORDS = ("mail", "name", "city", "country")
# With more matches a page is read along the IDs, instead of sorting all matches.
MAX_SORTED = 1_000
_MAX_SEARCHED_ATTRIBUTES = 20
MAX_PER_MINUTE = 30
_WINDOW = 600  # seconds; the audit has at most one entry for each


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
    return _walk("TRUE", [], start, size)


def find_profiles(
    words: str, attributes: Sequence[Attribute], start: PageStart, size: int, *, key_only: bool
) -> ProfilePage:
    """Return a page of the profiles whose key or text attributes contain every word, in any case. ``key_only``
    finds only an exact key: other results would reveal masked values."""
    texts = [a.name for a in attributes if a.data_type == AttributeType.TEXT][:_MAX_SEARCHED_ATTRIBUTES]
    where, values = _has_key(words) if key_only else _holds_words(words, texts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM segments_profile WHERE {where} LIMIT {MAX_SORTED + 1}", values)  # noqa: S608
        ids = sorted(pk for (pk,) in cursor.fetchall())
    if len(ids) > MAX_SORTED:
        return _walk(where, values, start, size)
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


def members_csv(segment: Segment) -> Iterator[str]:
    """Generate CSV lines with all attributes of each member. Profiles are read in steps by ID, so that a
    million members need little memory and no open transaction."""
    names = [attribute.name for attribute in catalog.attributes()]
    yield csv_lines.BYTE_ORDER_MARK + csv_lines.csv_line(["key", *names])
    members = Profile.objects.filter(memberships__segment=segment).order_by("pk")
    last = 0
    while found := list(members.filter(pk__gt=last).values_list("pk", "key", "attributes")[:_CSV_STEP]):
        for _pk, key, attributes in found:
            yield csv_lines.csv_line([key, *(_csv_value(attributes.get(name)) for name in names)])
        last = found[-1][0]


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
    return ProfilePage(_load(chosen), has_previous, has_next, len(ids))


def _walk(where: str, values: list[Any], start: PageStart, size: int) -> ProfilePage:
    backwards = start.before is not None
    bound, order = ("id < %s", "DESC") if backwards else ("id > %s", "ASC")
    bound_id = start.before if backwards else start.after
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM segments_profile WHERE {bound} AND {where} ORDER BY id {order} LIMIT %s",  # noqa: S608
            [bound_id, *values, size + 1],
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    more, ids = len(ids) > size, sorted(ids[:size])
    return ProfilePage(_load(ids), more if backwards else start.after > 0, backwards or more, None)


def _load(ids: list[int]) -> list[Profile]:
    return list(Profile.objects.filter(pk__in=ids).select_related("source").order_by("pk"))


def _holds_words(words: str, texts: list[str]) -> tuple[str, list[Any]]:
    columns = ", ".join(["key", *("attributes ->> %s" for _ in texts)])
    conditions, values = [], []
    for word in words.split():
        # Comparing ASCII text by bytes takes half the time.
        collation = ' COLLATE "C"' if word.isascii() else ""
        holds_word = f"concat_ws(E'\\n', {columns}){collation} ILIKE %s"
        or_email, email = _or_email(word)
        conditions.append(f"({holds_word}{or_email})")
        values += [*texts, f"%{_escaped(word)}%", *email]
    return " AND ".join(conditions) or "TRUE", values


def _has_key(words: str) -> tuple[str, list[Any]]:
    # A key with an address is shown masked, so that a search must not find it.
    return "lower(key) = lower(%s) AND strpos(key, '@') = 0", [" ".join(words.split())]


def _or_email(text: str) -> tuple[str, list[str]]:
    """Return an SQL condition that a stored email equals ``text`` in any spelling; empty when it is no address."""
    email = comparable_email(text)
    if email is None:
        return "", []
    return " OR strpos(emails::text, %s) > 0", [json.dumps(email, ensure_ascii=False)]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _count(user: User, what: str, now: datetime, seconds: int) -> int:
    """Add one to the counter ``what`` of a user in this window of ``seconds``."""
    key = f"customer-search:{what}:{user.pk}:{int(now.timestamp()) // seconds}"
    cache.add(key, 0, timeout=2 * seconds)
    return int(cache.incr(key))

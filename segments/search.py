"""Finding people among a million: pages that begin where the last one ended, and a search that stops early.

There is no index to search by: it would cost more at every import than it saves. Nearly every search finds enough
after reading a little; one that finds nothing has read all profiles, in well under a second per million."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connection

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.text.addresses import comparable_email
from segments.catalog import Attribute
from segments.models import AttributeType, Profile

# With more matches than this their order comes from walking along the ids instead of from sorting what was found.
MOST_SORTED = 1_000
_MOST_SEARCHED_ATTRIBUTES = 20


@dataclass(frozen=True)
class FoundPage:
    """Some profiles in the order of their ids, and whether there are others before and after them. ``total`` is
    how many were found, None when more than MOST_SORTED."""

    profiles: list[Profile]
    has_previous: bool
    has_next: bool
    total: int | None


@dataclass(frozen=True)
class Place:
    """Where a page begins: behind the profile ``after``, or ends: before the profile ``before``."""

    after: int = 0
    before: int | None = None


def everyone(place: Place, size: int) -> FoundPage:
    """A page of all profiles; its total is for the caller to know."""
    return _walk("TRUE", [], place, size)


def search(words: str, catalogue: Sequence[Attribute], place: Place, size: int, *, key_only: bool) -> FoundPage:
    """A page of the profiles in whose key or texts every word of ``words`` stands, whatever its case. With
    ``key_only`` only those whose key is ``words``: any answer computed from masked values would reveal them."""
    texts = [a.name for a in catalogue if a.data_type == AttributeType.TEXT][:_MOST_SEARCHED_ATTRIBUTES]
    where, values = _has_key(words) if key_only else _holds_words(words, texts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM segments_profile WHERE {where} LIMIT {MOST_SORTED + 1}", values)  # noqa: S608
        ids = sorted(pk for (pk,) in cursor.fetchall())
    if len(ids) > MOST_SORTED:
        return _walk(where, values, place, size)
    return _page_of(ids, place, size)


def _page_of(ids: list[int], place: Place, size: int) -> FoundPage:
    if place.before is not None:
        chosen = [pk for pk in ids if pk < place.before][-size:]
    else:
        chosen = [pk for pk in ids if pk > place.after][:size]
    has_previous = bool(chosen) and ids[0] < chosen[0]
    has_next = bool(chosen) and ids[-1] > chosen[-1]
    return FoundPage(_load(chosen), has_previous, has_next, len(ids))


def _walk(where: str, values: list[Any], place: Place, size: int) -> FoundPage:
    backwards = place.before is not None
    bound, order = ("id < %s", "DESC") if backwards else ("id > %s", "ASC")
    start = place.before if backwards else place.after
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM segments_profile WHERE {bound} AND {where} ORDER BY id {order} LIMIT %s",  # noqa: S608
            [start, *values, size + 1],
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    more, ids = len(ids) > size, sorted(ids[:size])
    return FoundPage(_load(ids), more if backwards else place.after > 0, backwards or more, None)


def _load(ids: list[int]) -> list[Profile]:
    return list(Profile.objects.filter(pk__in=ids).select_related("source").order_by("pk"))


def _holds_words(words: str, texts: list[str]) -> tuple[str, list[Any]]:
    columns = ", ".join(["key", *("attributes ->> %s" for _ in texts)])
    conditions, values = [], []
    for word in words.split():
        # Comparing ASCII by bytes is twice as fast.
        collation = ' COLLATE "C"' if word.isascii() else ""
        holds_word = f"concat_ws(E'\\n', {columns}){collation} ILIKE %s"
        or_email, email = _or_email(word)
        conditions.append(f"({holds_word}{or_email})")
        values += [*texts, f"%{_escaped(word)}%", *email]
    return " AND ".join(conditions) or "TRUE", values


def _has_key(words: str) -> tuple[str, list[Any]]:
    # A key that holds an address is shown masked, and so not found either.
    return "lower(key) = lower(%s) AND strpos(key, '@') = 0", [" ".join(words.split())]


def _or_email(text: str) -> tuple[str, list[str]]:
    """The condition that one of the stored emails is the address ``text``, in whatever spelling; nothing where it
    does not look like an address."""
    email = comparable_email(text)
    if email is None:
        return "", []
    return " OR strpos(emails::text, %s) > 0", [json.dumps(email, ensure_ascii=False)]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


MOST_PER_MINUTE = 30

_WINDOW = 600  # seconds; one entry of the audit for each that has a search


def allow(user: User) -> bool:
    """Count a search of ``user``; False when there were too many in this minute. The first search in ten minutes
    and the first that is refused in ten minutes are recorded, without the text: it may name a person."""
    now = clock.now()
    if _count(user, "recorded", now, _WINDOW) == 1:
        record("customers searched", user, by=user)
    if _count(user, "minute", now, 60) <= MOST_PER_MINUTE:
        return True
    if _count(user, "refused", now, _WINDOW) == 1:
        record("search limit reached", user, by=user)
    return False


def _count(user: User, what: str, now: datetime, seconds: int) -> int:
    """Count one more of ``what`` in this window of ``seconds``."""
    key = f"customer-search:{what}:{user.pk}:{int(now.timestamp()) // seconds}"
    cache.add(key, 0, timeout=2 * seconds)
    return int(cache.incr(key))

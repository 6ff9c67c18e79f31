"""Read, find and delete profiles.

A profile counts only while its data source exists in PostgreSQL and it is not being erased: removing a source or a
person takes effect with the transaction in PostgreSQL, and the rows in the store are deleted after it.

With identity rules, profiles that are one customer are read as one unified profile; it has the lowest of their
IDs. Imports, removals and erasures read the profiles of the data sources.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists

from segments import catalog
from segments.catalog import Attribute
from segments.models import DataSource, Erasure, IdentityRules, RemovedSource
from segments.store import lake
from segments.store.columns import FIXED, PROFILES, columns_of
from segments.store.lake import Writer, as_list, listed
from segments.store.locks import writer_lock
from segments.store.unified import reading, rules, write

Parameters = Sequence[object] | Mapping[str, object]


@dataclass(frozen=True)
class Profile:
    """A person in the data of a source. ``attributes`` maps names to typed values: text and numbers as they are,
    dates as “YYYY-MM-DD”, yes/no as booleans; unknown values are absent. ``emails`` maps the names of attributes
    to normalized addresses, ``originals`` to the imported texts that the values do not give back."""

    id: int
    source_id: int
    source_name: str
    key: str
    attributes: Mapping[str, object]
    emails: Mapping[str, str]
    originals: Mapping[str, str]
    created_at: datetime
    updated_at: datetime

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True)
class Condition:
    """An SQL condition over the columns of profiles, with its parameters by position or by name."""

    sql: str = "true"
    parameters: Parameters = ()


EVERY_PROFILE = Condition()


def visible_profiles() -> str:
    """Return a query of all customers, in parentheses, for a FROM clause: the profiles of existing data sources
    without those that are being erased, unified by the identity rules."""
    found = _visible()
    if not found.is_unified:
        return f"(SELECT * FROM {PROFILES} WHERE {found.sql})"
    # The unified profiles in the store have values of removed profiles until these are deleted.
    return reading.unified_profiles(found.sql, f"NOT coalesce({found.sql}, false)" if found.is_pending else "")


def source_profiles() -> str:
    """Return a query of the profiles of data sources as they were imported, in parentheses, for a FROM clause:
    those of existing data sources without those that are being erased."""
    return f"(SELECT * FROM {PROFILES} WHERE {_visible().sql})"


@dataclass(frozen=True)
class _Visible:
    """The condition of the profiles that count; whether there are unified ones; whether others are to be deleted
    from the store."""

    sql: str
    is_unified: bool
    is_pending: bool


def _visible() -> _Visible:
    sources = DataSource.objects.order_by("pk").annotate(
        is_unified=Exists(IdentityRules.objects.filter(is_applied=True)),
        is_pending=Exists(RemovedSource.objects.all()),
    )
    rows = list(sources.values_list("pk", "is_unified", "is_pending"))
    erased = [
        pk for ids in Erasure.objects.exclude(pending_ids=[]).values_list("pending_ids", flat=True) for pk in ids
    ]
    hidden = f" AND id NOT IN ({_numbers(erased)})" if erased else ""
    return _Visible(
        sql=f"source_id IN ({_numbers([pk for pk, *_flags in rows])}){hidden}",
        is_unified=any(unified for _pk, unified, _pending in rows),
        is_pending=bool(erased) or any(pending for *_others, pending in rows),
    )


def unify_again(writer: Writer, *, changed: str = "") -> None:
    """Unify the profiles by the newest identity rules, if there are any, in the commit of a writer; ``changed`` is
    a query of the IDs of profiles whose values changed, empty for all."""
    newest = rules.newest_rules()
    if newest is not None:
        write.unify(writer, newest, source_profiles(), changed=changed)


def update_unified(writer: Writer, *, changed: str) -> None:
    """Write the unified profiles again that have one of the profiles whose IDs are ``changed``, a query, and whose
    identifying values are the same, in the commit of a writer."""
    newest = rules.newest_rules()
    if newest is not None:
        write.update_values(writer, newest, changed)


def identity_differs(writer: Writer, changes: str) -> bool:
    """Say whether the changed profiles in the table ``changes`` may be other customers than those in the store."""
    newest = rules.newest_rules()
    return newest is not None and write.identifiers_differ(writer, newest, changes)


def get_profile(profile_id: int) -> Profile | None:
    """Return the profile with an ID, or the unified profile that it is part of; None when there is none."""
    return next(iter(select_profiles(Condition("id = ?", [current_id(profile_id)]))), None)


def current_id(profile_id: int) -> int:
    """Return the ID of the unified profile that a profile is part of, or its own."""
    with lake.reading() as reader:
        return reading.current_ids([profile_id], reader).get(profile_id, profile_id)


def profiles_by_id(ids: Collection[int]) -> list[Profile]:
    """Return the profiles with these IDs, by ID."""
    if not ids:
        return []
    return select_profiles(Condition(f"id IN {listed('BIGINT')}", [as_list(ids)]))


def source_profiles_of(ids: Collection[int]) -> list[Profile]:
    """Return the profiles of data sources that are one customer with any of these profiles, and these, by ID."""
    if not ids:
        return []
    with lake.reading() as reader:
        parts = reading.parts_of(ids, reader)
    return select_source_profiles(Condition(f"id IN {listed('BIGINT')}", [as_list(parts)]))


def select_profiles(condition: Condition, *, limit: int | None = None) -> list[Profile]:
    """Return the profiles that meet a condition, by ID."""
    return _select(visible_profiles(), condition, limit)


def select_source_profiles(condition: Condition) -> list[Profile]:
    """Return the profiles of data sources that meet a condition, as they were imported, by ID."""
    return _select(source_profiles(), condition, None)


def _select(profiles: str, condition: Condition, limit: int | None) -> list[Profile]:
    attributes = catalog.attributes()
    names = dict(DataSource.objects.values_list("pk", "name"))
    columns = [*FIXED, *columns_of(attributes)]
    most = f" LIMIT {int(limit)}" if limit is not None else ""
    with lake.reading() as reader:
        rows = reader.rows(
            f"SELECT {', '.join(columns)} FROM {profiles} WHERE {condition.sql} ORDER BY id{most}",
            condition.parameters,
        )
    return [_profile(dict(zip(columns, row, strict=True)), attributes, names) for row in rows]


def with_parts(found: Collection[Profile]) -> list[Profile]:
    """Return the profiles of data sources that these profiles are made of, or are unified with."""
    return source_profiles_of([each.id for each in found]) if rules.is_applied() else list(found)


def select_source_ids(condition: Condition) -> list[int]:
    """Return the IDs of the profiles of data sources that meet a condition."""
    with lake.reading() as reader:
        rows = reader.rows(f"SELECT id FROM {source_profiles()} WHERE {condition.sql}", condition.parameters)
    return [pk for (pk,) in rows]


def select_ids(condition: Condition, *, order: str = "", limit: int | None = None) -> list[int]:
    """Return the IDs of the profiles that meet a condition; ``order`` is ``ASC``, ``DESC`` or empty for any."""
    by = f" ORDER BY id {order}" if order else ""
    most = f" LIMIT {int(limit)}" if limit is not None else ""
    with lake.reading() as reader:
        rows = reader.rows(
            f"SELECT id FROM {visible_profiles()} WHERE {condition.sql}{by}{most}", condition.parameters
        )
    return [pk for (pk,) in rows]


def count_profiles(condition: Condition = EVERY_PROFILE) -> int:
    """Count the profiles that meet a condition."""
    with lake.reading() as reader:
        return int(
            reader.row(f"SELECT count(*) FROM {visible_profiles()} WHERE {condition.sql}", condition.parameters)[0]
        )


def existing_ids(ids: Collection[int]) -> set[int]:
    """Return which of these IDs are those of profiles, unified with others or not."""
    profiles = f"SELECT id FROM {source_profiles()}"
    if rules.is_applied():
        profiles += f" UNION ALL SELECT id FROM {visible_profiles()}"
    with lake.reading() as reader:
        rows = reader.rows(f"SELECT id FROM ({profiles}) WHERE id IN {listed('BIGINT')}", [as_list(ids)])
    return {pk for (pk,) in rows}


def delete_erased(writer: Writer, ids: Collection[int]) -> None:
    """Delete the profiles of an erased person, with the unified profile that they are part of."""
    delete_by_id(writer, ids)
    if IdentityRules.objects.exists() and not write.forget(writer, _numbers(ids)):
        unify_again(writer, changed=write.NONE_CHANGED)


def delete_by_id(writer: Writer, ids: Collection[int]) -> int:
    """Delete the profiles with these IDs. Returns how many there were."""
    return int(writer.row(f"DELETE FROM {PROFILES} WHERE id IN {listed('BIGINT')}", [as_list(ids)])[0])


def delete_of_removed_sources() -> int:
    """Delete the profiles of data sources that were removed. Returns how many there were. Safe to repeat."""
    with writer_lock():
        noted = list(RemovedSource.objects.values_list("pk", flat=True))
        sources = _numbers(DataSource.objects.values_list("pk", flat=True))
        removed = (
            f"FROM {PROFILES} WHERE source_id NOT IN ({sources})" if sources != "NULL" else f"FROM {PROFILES}"
        )
        count = 0
        with lake.reading() as reader:
            is_empty = not reader.rows(f"SELECT 1 {removed} LIMIT 1")
        if not is_empty:
            with lake.writing("remove sources") as writer:
                count = int(writer.row(f"DELETE {removed}")[0])
                unify_again(writer, changed=write.NONE_CHANGED)
        RemovedSource.objects.filter(pk__in=noted).delete()
    return count


def _profile(row: Mapping[str, Any], attributes: Sequence[Attribute], sources: Mapping[int, str]) -> Profile:
    values = {each.name: _plain(row[each.column]) for each in attributes if row[each.column] is not None}
    with_emails = [each for each in attributes if each.has_emails]
    with_originals = [each for each in attributes if each.has_originals]
    return Profile(
        id=row["id"],
        source_id=row["source_id"],
        source_name=sources.get(row["source_id"], ""),
        key=row["key"],
        attributes=dict(sorted(values.items())),
        emails={each.name: row[each.email_column] for each in with_emails if row[each.email_column] is not None},
        originals={
            each.name: row[each.text_column] for each in with_originals if row[each.text_column] is not None
        },
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _plain(value: object) -> object:
    """Return a stored value as attributes show it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value.isoformat() if isinstance(value, date) else value


def _numbers(values: Collection[int]) -> str:
    return ", ".join(str(int(value)) for value in values) or "NULL"

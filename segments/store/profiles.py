"""Read, find and delete profiles.

A profile counts only while its data source exists in PostgreSQL and it is not being erased: removing a source or a
person takes effect with the transaction in PostgreSQL, and the rows in the store are deleted after it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from segments import catalog
from segments.catalog import Attribute
from segments.models import DataSource, Erasure
from segments.store import lake
from segments.store.columns import FIXED, PROFILES, columns_of
from segments.store.lake import Writer, as_list, listed
from segments.store.locks import writer_lock

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
    """Return a query of all profiles, in parentheses, for a FROM clause: those of existing data sources without
    those that are being erased."""
    sources = DataSource.objects.order_by("pk").values_list("pk", flat=True)
    erased = [
        pk for ids in Erasure.objects.exclude(pending_ids=[]).values_list("pending_ids", flat=True) for pk in ids
    ]
    hidden = f" AND id NOT IN ({_numbers(erased)})" if erased else ""
    return f"(SELECT * FROM {PROFILES} WHERE source_id IN ({_numbers(sources)}){hidden})"


def get_profile(profile_id: int) -> Profile | None:
    """Return the profile with an ID, or None when there is none."""
    return next(iter(select_profiles(Condition("id = ?", [profile_id]))), None)


def profiles_by_id(ids: Collection[int]) -> list[Profile]:
    """Return the profiles with these IDs, by ID."""
    if not ids:
        return []
    return select_profiles(Condition(f"id IN {listed('BIGINT')}", [as_list(ids)]))


def select_profiles(condition: Condition, *, limit: int | None = None) -> list[Profile]:
    """Return the profiles that meet a condition, by ID."""
    attributes = catalog.attributes()
    names = dict(DataSource.objects.values_list("pk", "name"))
    columns = [*FIXED, *columns_of(attributes)]
    most = f" LIMIT {int(limit)}" if limit is not None else ""
    with lake.reading() as reader:
        rows = reader.rows(
            f"SELECT {', '.join(columns)} FROM {visible_profiles()} WHERE {condition.sql} ORDER BY id{most}",
            condition.parameters,
        )
    return [_profile(dict(zip(columns, row, strict=True)), attributes, names) for row in rows]


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
    """Return which of these IDs are those of profiles."""
    return set(select_ids(Condition(f"id IN {listed('BIGINT')}", [as_list(ids)])))


def delete_by_id(writer: Writer, ids: Collection[int]) -> int:
    """Delete the profiles with these IDs. Returns how many there were."""
    return int(writer.row(f"DELETE FROM {PROFILES} WHERE id IN {listed('BIGINT')}", [as_list(ids)])[0])


def delete_of_removed_sources() -> int:
    """Delete the profiles of data sources that were removed. Returns how many there were. Safe to repeat."""
    with writer_lock():
        sources = _numbers(DataSource.objects.values_list("pk", flat=True))
        removed = (
            f"FROM {PROFILES} WHERE source_id NOT IN ({sources})" if sources != "NULL" else f"FROM {PROFILES}"
        )
        with lake.reading() as reader:
            if not reader.rows(f"SELECT 1 {removed} LIMIT 1"):
                return 0
        with lake.writing("remove sources") as writer:
            return int(writer.row(f"DELETE {removed}")[0])


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

"""Create, change, read and delete profiles and members of segments. No other module of the tests knows how they
are stored."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings

from config.platform.jobs import clock
from config.platform.text.addresses import comparable_email
from segments import catalog
from segments.catalog import Attribute
from segments.models import AttributeType, DataSource, MemberSet, ProfileAttribute, Segment
from segments.store import lake, profiles, schema
from segments.store.columns import FIXED, MEMBERS, PROFILES, columns_of
from segments.store.lake import Writer, as_list, listed, rows_of
from segments.store.members import members_sql
from segments.store.profile_ids import reserve_ids
from segments.store.profiles import EVERY_PROFILE, Condition, Profile, visible_profiles
from tests.support.lake import attributes_with_columns

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

__all__ = ["Profile"]


# -- profiles --------------------------------------------------------------------------------------------------


def create_profiles(
    rows: Iterable[Mapping[str, Any]], *, source: str = "Customers", key: str = "id"
) -> DataSource:
    """Create profiles with these attributes in one data source, and the catalog that goes with them. The key of a
    row is its value of ``key``, else its place in ``rows``; None means that the attribute is unknown."""
    data_source, _created = DataSource.objects.get_or_create(name=source, defaults={"key_column": key})
    given = [{name: value for name, value in row.items() if value is not None} for row in rows]
    first = data_source.profile_count + 1
    keys = [str(row.get(key) or f"P{number:07}") for number, row in enumerate(given, start=first)]
    _insert(data_source, keys, given)
    data_source.refreshed_at = clock.now()
    data_source.profile_count += len(given)
    data_source.save()
    return data_source


def create_attributes(types: Mapping[str, AttributeType]) -> None:
    """Add attributes to the catalog, with their columns in the store."""
    pool = attributes_with_columns[settings.PROFILE_STORE]
    pooled = {name: kind for name, kind in types.items() if (name, kind) in pool}
    ProfileAttribute.objects.bulk_create(
        ProfileAttribute(pk=pool[name, kind], name=name, data_type=kind) for name, kind in pooled.items()
    )
    others = [
        ProfileAttribute.objects.create(name=name, data_type=kind)
        for name, kind in types.items()
        if name not in pooled
    ]
    with_emails = (
        Attribute(each.name, AttributeType(each.data_type), each.pk, has_emails=True) for each in others
    )
    schema.add_columns(with_emails)
    pool.update({(each.name, AttributeType(each.data_type)): each.pk for each in others})


def create_profile(source: DataSource, key: str, attributes: Mapping[str, Any]) -> Profile:
    """Create one profile, of attributes that are in the catalog already or need not be."""
    _insert(source, [key], [{name: value for name, value in attributes.items() if value is not None}])
    _count_profiles(source)
    return profiles.select_profiles(Condition("source_id = ? AND key = ?", [source.pk, key]))[-1]


def get_profile(key: str = "", /, **attributes: Any) -> Profile:
    """Return the only profile with a key, or with these values of attributes."""
    (found,) = _found(key, attributes)
    return found


def all_profiles() -> list[Profile]:
    """Return all profiles in the order of their IDs."""
    return profiles.select_profiles(EVERY_PROFILE)


def has_profile(key: str) -> bool:
    """Say whether there is a profile with a key."""
    return bool(_found(key, {}))


def profile_count(source: DataSource | None = None) -> int:
    """Count all profiles, or those of a data source."""
    return profiles.count_profiles(Condition("source_id = ?", [source.pk]) if source else EVERY_PROFILE)


def profile_keys() -> list[str]:
    """Return the keys of all profiles in the order of their IDs."""
    return [each.key for each in all_profiles()]


def change_profile(profile: Profile | str, /, **attributes: Any) -> None:
    """Change attributes of a profile, or of the profile with a key; None makes one unknown."""
    found = get_profile(profile) if isinstance(profile, str) else profile
    _update([found.id], [{**found.attributes, **attributes}])


def replace_attributes(profile: Profile, attributes: Mapping[str, Any]) -> None:
    """Give a profile these attributes instead of those that it has."""
    _update([profile.id], [attributes])


def change_profiles(changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Change attributes of many profiles, by the address that each has in its attribute email."""
    found = profiles.select_profiles(_with_emails(changes))
    _update(
        [each.id for each in found],
        [{**each.attributes, **changes[str(each.attributes["email"])]} for each in found],
    )


def change_all_profiles(**attributes: Any) -> None:
    """Change attributes of all profiles."""
    found = all_profiles()
    _update([each.id for each in found], [{**each.attributes, **attributes} for each in found])


def change_attribute(emails: Collection[str], name: str, value: str) -> None:
    """Change an attribute of all profiles with these normalized addresses in email, a million at a time."""
    known = {each.name: each for each in catalog.attributes()}
    email, column = known["email"].email_column, known[name].column
    with lake.writing("test") as writer:
        writer.execute(
            f"UPDATE {PROFILES} SET {column} = ? WHERE {email} IN {listed('VARCHAR')}",
            [value, as_list(emails)],
        )


def change_key(key: str, new: str) -> None:
    """Give the profile with a key another key."""
    with lake.writing("test") as writer:
        writer.execute(f"UPDATE {PROFILES} SET key = ? WHERE key = ?", [new, key])


def delete_profile(key: str) -> None:
    """Delete the profile with a key, and its memberships."""
    _delete([get_profile(key).id])


def delete_profiles(*emails: str) -> None:
    """Delete the profiles with these addresses in their attribute email, and their memberships."""
    _delete(profiles.select_ids(_with_emails(emails)))


def delete_all_profiles() -> None:
    """Delete all profiles and memberships."""
    _delete(profiles.select_ids(EVERY_PROFILE))


def product_profile(profile: Profile) -> Profile:
    """Return what the functions of segments take for a profile that was read."""
    found = profiles.get_profile(profile.id)
    assert found is not None
    return found


# -- members ---------------------------------------------------------------------------------------------------


def members_of(segment: Segment) -> list[str]:
    """Return the keys of the members of a segment, in order."""
    return sorted(each.key for each in profiles.select_profiles(_is_member(segment)))


def member_ids(segment: Segment) -> list[int]:
    """Return the IDs of the members of a segment, in order."""
    return profiles.select_ids(_is_member(segment), order="ASC")


def member_count(segment: Segment | None = None) -> int:
    """Count the members of a segment, or of all segments."""
    segments = [segment] if segment else Segment.objects.all()
    return sum(profiles.count_profiles(_is_member(each)) for each in segments)


def add_members(segment: Segment, *emails: str) -> None:
    """Add the profiles with these addresses in their attribute email to a segment."""
    _set_members(segment, {*member_ids(segment), *profiles.select_ids(_with_emails(emails))})
    _count_members(segment)


def add_all_profiles(segment: Segment) -> None:
    """Add all profiles to a segment."""
    made = MemberSet.objects.create(segment=segment, size=profile_count())
    everyone = visible_profiles()
    with lake.writing("test") as writer:
        writer.execute(f"INSERT INTO {MEMBERS} SELECT ?, id FROM {everyone} ORDER BY id", [made.pk])
    _use(segment, made)
    _count_members(segment)


def remove_members(segment: Segment, *emails: str) -> None:
    """Remove the profiles with these addresses in their attribute email from a segment."""
    _set_members(segment, set(member_ids(segment)) - set(profiles.select_ids(_with_emails(emails))))
    _count_members(segment)


def remove_from_all_segments(emails: Collection[str]) -> None:
    """Remove the profiles with these addresses in their attribute email from all segments, without counting."""
    gone = set(profiles.select_ids(_with_emails(emails)))
    for segment in Segment.objects.exclude(member_set=None):
        _set_members(segment, set(member_ids(segment)) - gone)


# -- how they are stored ----------------------------------------------------------------------------------------


def _insert(source: DataSource, keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    attributes = _catalog_for(rows)
    moment = clock.now()
    with lake.writing("test") as writer:
        first = reserve_ids(len(rows))
        fixed: list[list[Any]] = [
            list(range(first, first + len(rows))),
            [source.pk] * len(rows),
            list(keys),
            *([[moment] * len(rows)] * 2),
        ]
        _write(writer, fixed, attributes, rows)


def _update(ids: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows again with other attributes."""
    known = [{name: value for name, value in row.items() if value is not None} for row in rows]
    attributes = _catalog_for(known)
    with lake.writing("test") as writer:
        by_id = {
            row[0]: row
            for row in writer.rows(
                f"SELECT {', '.join(FIXED)} FROM {PROFILES} WHERE id IN {listed('BIGINT')}", [as_list(ids)]
            )
        }
        profiles.delete_by_id(writer, ids)
        fixed: list[list[Any]] = [list(column) for column in zip(*(by_id[pk] for pk in ids), strict=True)]
        _write(writer, fixed, attributes, known)


def _write(
    writer: Writer,
    fixed: Sequence[Sequence[Any]],
    attributes: Sequence[Attribute],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    values: list[Any] = [list(column) for column in fixed]
    for attribute in attributes:
        column = [row.get(attribute.name) for row in rows]
        values.append(
            [
                str(value) if value is not None and attribute.data_type == AttributeType.TEXT else value
                for value in column
            ]
        )
        if attribute.has_emails:
            values.append([comparable_email(value) if isinstance(value, str) else None for value in column])
    kinds = {**FIXED, **columns_of(attributes)}
    written = (dict(zip(kinds, row, strict=True)) for row in zip(*values, strict=True))
    writer.execute(f"INSERT INTO {PROFILES} BY NAME {rows_of(kinds)}", [as_list(written)])


def _catalog_for(rows: Iterable[Mapping[str, Any]]) -> list[Attribute]:
    """Return the attributes of the catalog, with those of rows added."""
    types: dict[str, AttributeType] = {}
    with_emails: set[str] = set()
    for row in rows:
        for name, value in row.items():
            kind = _type_of(value)
            types[name] = kind if types.get(name, kind) == kind else AttributeType.TEXT
            if isinstance(value, str) and comparable_email(value) is not None:
                with_emails.add(name)
    known = {each.name for each in catalog.attributes()}
    create_attributes({name: kind for name, kind in types.items() if name not in known})
    ProfileAttribute.objects.filter(name__in=with_emails, data_type=AttributeType.TEXT).update(has_emails=True)
    attributes = catalog.attributes()
    schema.add_columns(
        each for each in attributes if each.id not in attributes_with_columns[settings.PROFILE_STORE].values()
    )
    return attributes


def _delete(ids: Sequence[int]) -> None:
    with lake.writing("test") as writer:
        profiles.delete_by_id(writer, ids)


def _set_members(segment: Segment, ids: Collection[int]) -> None:
    made = MemberSet.objects.create(segment=segment, size=len(ids))
    with lake.writing("test") as writer:
        writer.execute(f"INSERT INTO {MEMBERS} SELECT ?, * FROM {listed('BIGINT')}", [made.pk, as_list(ids)])
    _use(segment, made)


def _use(segment: Segment, made: MemberSet) -> None:
    segment.member_set = made
    segment.save(update_fields=["member_set"])


def _count_members(segment: Segment) -> None:
    segment.member_count = member_count(segment)
    segment.save(update_fields=["member_count"])


def _count_profiles(source: DataSource) -> None:
    source.profile_count = profile_count(source)
    source.save()


def _is_member(segment: Segment) -> Condition:
    set_id = Segment.objects.values_list("member_set", flat=True).get(pk=segment.pk)
    return Condition(f"id IN ({members_sql([set_id] if set_id else [])})")


def _with_emails(emails: Iterable[str]) -> Condition:
    column = next((each.column for each in catalog.attributes() if each.name == "email"), "NULL")
    return Condition(f"{column} IN {listed('VARCHAR')}", [as_list(emails)])


def _found(key: str, attributes: Mapping[str, Any]) -> list[Profile]:
    columns = {each.name: each.column for each in catalog.attributes()}
    conditions = [*(["key = ?"] if key else []), *(f"{columns[name]} = ?" for name in attributes)]
    return profiles.select_profiles(
        Condition(" AND ".join(conditions) or "true", [*([key] if key else []), *attributes.values()])
    )


def _type_of(value: object) -> AttributeType:
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    if isinstance(value, int | float):
        return AttributeType.NUMBER
    if isinstance(value, str) and _DATE.fullmatch(value):
        return AttributeType.DATE
    return AttributeType.TEXT

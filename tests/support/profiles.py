"""Create, change, read and delete profiles and members of segments. No other module of the tests knows how they
are stored."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database

from config.platform import db
from config.platform.jobs import clock
from segments import models
from segments.models import AttributeType, DataSource, ProfileAttribute, Segment
from segments.models.profile import emails_of

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_BLOCK = 5_000
_WITH_EMAIL = """
    SELECT id FROM segments_profile WHERE emails ->> 'email' IN (SELECT jsonb_array_elements_text(%s))
"""


@dataclass(frozen=True)
class Profile:
    """A profile as it is stored; ``emails`` maps attributes to normalized addresses."""

    id: int
    source_id: int
    key: str
    attributes: Mapping[str, Any]
    emails: Mapping[str, str]
    updated_at: datetime


# -- profiles --------------------------------------------------------------------------------------------------


def create_profiles(
    rows: Iterable[Mapping[str, Any]], *, source: str = "Customers", key: str = "id"
) -> DataSource:
    """Create profiles with these attributes in one data source, and the catalog that goes with them. The key of a
    row is its value of ``key``, else its place in ``rows``; None means that the attribute is unknown."""
    data_source, _created = DataSource.objects.get_or_create(name=source, defaults={"key_column": key})
    catalog: dict[str, AttributeType] = {}
    made: list[models.Profile] = []
    for number, row in enumerate(rows, start=profile_count(data_source) + 1):
        attributes = {name: value for name, value in row.items() if value is not None}
        for name, value in attributes.items():
            catalog.setdefault(name, _type_of(value))
        profile_key = str(row.get(key) or f"P{number:07}")
        made.append(models.Profile(source=data_source, key=profile_key, attributes=attributes))
    models.Profile.objects.bulk_create(made, batch_size=_BLOCK)
    names = [ProfileAttribute(name=name, data_type=kind) for name, kind in catalog.items()]
    ProfileAttribute.objects.bulk_create(names, ignore_conflicts=True)
    data_source.refreshed_at = clock.now()
    data_source.save(update_fields=["refreshed_at"])
    _count_profiles(data_source)
    return data_source


def create_profile(source: DataSource, key: str, attributes: Mapping[str, Any]) -> Profile:
    """Create one profile, of attributes that are in the catalog already or need not be."""
    made = models.Profile.objects.create(source=source, key=key, attributes=dict(attributes))
    _count_profiles(source)
    return _read(made)


def get_profile(key: str = "", /, **attributes: Any) -> Profile:
    """Return the only profile with a key, or with these values of attributes."""
    return _read(_found(key, attributes).get())


def all_profiles() -> list[Profile]:
    """Return all profiles in the order of their IDs."""
    return [_read(each) for each in models.Profile.objects.order_by("pk")]


def has_profile(key: str) -> bool:
    """Say whether there is a profile with a key."""
    return bool(_found(key, {}).exists())


def profile_count(source: DataSource | None = None) -> int:
    """Count all profiles, or those of a data source."""
    found = models.Profile.objects.all()
    return found.count() if source is None else found.filter(source=source).count()


def profile_keys() -> list[str]:
    """Return the keys of all profiles in the order of their IDs."""
    return [each.key for each in all_profiles()]


def change_profile(profile: Profile | str, /, **attributes: Any) -> None:
    """Change attributes of a profile, or of the profile with a key; None makes one unknown."""
    found = get_profile(profile) if isinstance(profile, str) else profile
    replace_attributes(found, {**found.attributes, **attributes})


def replace_attributes(profile: Profile, attributes: Mapping[str, Any]) -> None:
    """Give a profile these attributes instead of those that it has."""
    known = {name: value for name, value in attributes.items() if value is not None}
    models.Profile.objects.filter(pk=profile.id).update(attributes=known, emails=emails_of(known))


def change_profiles(changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Change attributes of many profiles, by the address that each has in its attribute email."""
    found = list(models.Profile.objects.filter(attributes__email__in=list(changes)))
    for profile in found:
        profile.attributes |= changes[profile.attributes["email"]]
        profile.emails = emails_of(profile.attributes)
    models.Profile.objects.bulk_update(found, ["attributes", "emails"], batch_size=_BLOCK)


def change_attribute(emails: Collection[str], name: str, value: str) -> None:
    """Change an attribute of all profiles with these normalized addresses in email, a million at a time."""
    change = "UPDATE segments_profile SET attributes = attributes || jsonb_build_object(%s::text, %s::text)"
    with database.cursor() as cursor:
        cursor.execute(f"{change} WHERE id IN ({_WITH_EMAIL})", [name, value, db.as_json(emails)])


def change_all_profiles(**attributes: Any) -> None:
    """Change attributes of all profiles."""
    for profile in all_profiles():
        change_profile(profile, **attributes)


def change_key(key: str, new: str) -> None:
    """Give the profile with a key another key."""
    _found(key, {}).update(key=new)


def delete_profile(key: str) -> None:
    """Delete the profile with a key, and its memberships."""
    _found(key, {}).get().delete()


def delete_profiles(*emails: str) -> None:
    """Delete the profiles with these addresses in their attribute email, and their memberships."""
    models.Profile.objects.filter(attributes__email__in=emails).delete()


def delete_all_profiles() -> None:
    """Delete all profiles and memberships."""
    models.Profile.objects.all().delete()


def product_profile(profile: Profile) -> models.Profile:
    """Return what the functions of segments take for a profile that was read."""
    return models.Profile.objects.select_related("source").get(pk=profile.id)


# -- members ---------------------------------------------------------------------------------------------------


def members_of(segment: Segment) -> list[str]:
    """Return the keys of the members of a segment, in order."""
    return sorted(models.Member.objects.filter(segment=segment).values_list("profile__key", flat=True))


def member_ids(segment: Segment) -> list[int]:
    """Return the IDs of the members of a segment, in order."""
    return sorted(models.Member.objects.filter(segment=segment).values_list("profile_id", flat=True))


def member_count(segment: Segment | None = None) -> int:
    """Count the members of a segment, or of all segments."""
    found = models.Member.objects.all()
    return found.count() if segment is None else found.filter(segment=segment).count()


def add_members(segment: Segment, *emails: str) -> None:
    """Add the profiles with these addresses in their attribute email to a segment."""
    ids = models.Profile.objects.filter(attributes__email__in=emails).values_list("pk", flat=True)
    members = [models.Member(segment=segment, profile_id=pk) for pk in ids]
    models.Member.objects.bulk_create(members, ignore_conflicts=True)
    _count_members(segment)


def add_all_profiles(segment: Segment) -> None:
    """Add all profiles to a segment."""
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO segments_member (segment_id, profile_id) SELECT %s, id FROM segments_profile"
            " ON CONFLICT DO NOTHING",
            [segment.pk],
        )
    _count_members(segment)


def remove_members(segment: Segment, *emails: str) -> None:
    """Remove the profiles with these addresses in their attribute email from a segment."""
    profiles = models.Profile.objects.filter(attributes__email__in=emails)
    models.Member.objects.filter(segment=segment, profile__in=profiles).delete()
    _count_members(segment)


def remove_from_all_segments(emails: Collection[str]) -> None:
    """Remove the profiles with these normalized addresses in email from all segments, without counting."""
    with database.cursor() as cursor:
        cursor.execute(f"DELETE FROM segments_member WHERE profile_id IN ({_WITH_EMAIL})", [db.as_json(emails)])


def _count_members(segment: Segment) -> None:
    segment.member_count = member_count(segment)
    segment.save(update_fields=["member_count"])


def _count_profiles(source: DataSource) -> None:
    source.profile_count = profile_count(source)
    source.save(update_fields=["profile_count"])


def _found(key: str, attributes: Mapping[str, Any]) -> Any:
    by_attribute = {f"attributes__{name}": value for name, value in attributes.items()}
    return models.Profile.objects.filter(**({"key": key} if key else {}), **by_attribute)


def _read(profile: models.Profile) -> Profile:
    return Profile(
        id=profile.pk,
        source_id=profile.source_id,
        key=profile.key,
        attributes=profile.attributes,
        emails=profile.emails,
        updated_at=profile.updated_at,
    )


def _type_of(value: object) -> AttributeType:
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    if isinstance(value, int | float):
        return AttributeType.NUMBER
    if isinstance(value, str) and _DATE.fullmatch(value):
        return AttributeType.DATE
    return AttributeType.TEXT

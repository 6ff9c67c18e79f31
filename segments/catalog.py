"""The catalogue: which attributes profiles have, and of which type. The first import that brings a value for an
attribute decides its type; a name is written as that file's header wrote it and is the same whatever its case."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from segments.models import AttributeType, ProfileAttribute

# From here on a text attribute offers no list of its values.
MOST_VALUES = 200
_SAMPLE = 20_000
_LOCK = 7_301_001


@dataclass(frozen=True)
class Attribute:
    """One entry of the catalogue."""

    name: str
    data_type: AttributeType


def catalogue() -> list[Attribute]:
    """Every attribute, by name."""
    rows = ProfileAttribute.objects.order_by("name").values_list("name", "data_type")
    return [Attribute(name, AttributeType(data_type)) for name, data_type in rows]


def types_by_name() -> dict[str, AttributeType]:
    """The catalogue as rules need it."""
    return {attribute.name: attribute.data_type for attribute in catalogue()}


def known(names: Iterable[str]) -> dict[str, Attribute]:
    """Those of ``names`` that the catalogue knows, whatever their case: the given spelling → the entry."""
    by_folded = {attribute.name.casefold(): attribute for attribute in catalogue()}
    return {name: by_folded[name.casefold()] for name in names if name.casefold() in by_folded}


def lock() -> None:
    """Let nobody else add to the catalogue until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


class TooManyAttributes(Exception):
    """The data sources would have more attributes than MAX_ATTRIBUTES; the message is one sentence for people."""


def check_room_for(more: int) -> None:
    """Raise TooManyAttributes when the catalog cannot take so many more attributes."""
    known = ProfileAttribute.objects.count() if more else 0
    if known + more > settings.MAX_ATTRIBUTES:
        raise TooManyAttributes(
            _("The file adds %(more)d attributes to %(known)d; at most %(most)d can be kept.")
            % {"more": more, "known": known, "most": settings.MAX_ATTRIBUTES}
        )


def add(types: Mapping[str, AttributeType]) -> None:
    """Put new attributes into the catalogue; the caller holds the lock."""
    ProfileAttribute.objects.bulk_create(
        ProfileAttribute(name=name, data_type=data_type) for name, data_type in types.items()
    )


def common_values(attribute: str) -> list[str]:
    """The different values of a text attribute in order, from a sample when there are many profiles; empty when
    there are more than MOST_VALUES."""
    return common_values_of([attribute])[attribute]


def common_values_of(attributes: Sequence[str]) -> dict[str, list[str]]:
    """The same for several attributes, asked for at once."""
    found: dict[str, list[str]] = {name: [] for name in attributes}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT name, value FROM unnest(%s::text[]) AS wanted (name), LATERAL (
                SELECT DISTINCT value COLLATE "C" AS value
                  FROM (SELECT attributes ->> wanted.name AS value FROM segments_profile LIMIT %s) sample
                 WHERE value IS NOT NULL
                 ORDER BY 1 LIMIT %s) common
            """,
            [list(attributes), _SAMPLE, MOST_VALUES + 1],
        )
        for name, value in cursor.fetchall():
            found[name].append(value)
    return {name: values if len(values) <= MOST_VALUES else [] for name, values in found.items()}

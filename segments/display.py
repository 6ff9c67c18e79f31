"""Which attributes stand for a person in a list, and how they are written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.text import csv_lines
from config.platform.web.formats import number
from config.platform.web.masking import masked
from segments import catalog
from segments.catalog import Attribute
from segments.models import AttributeType, Profile, Segment

_CSV_STEP = 2000  # profiles read by one query
_TELLING = ("mail", "name", "city", "country")


@dataclass(frozen=True)
class Cell:
    """A value as somebody may see it; ``kind`` is the attribute's type."""

    name: str
    kind: AttributeType
    text: str


def telling_attributes(catalogue: Sequence[Attribute], most: int = 5) -> list[Attribute]:
    """The attributes by which one recognises a person: addresses, names, places, then other text."""
    texts = [attribute for attribute in catalogue if attribute.data_type == AttributeType.TEXT]
    return sorted(texts, key=lambda attribute: _rank(attribute.name))[:most]


def cells(profile: Profile, attributes: Sequence[Attribute], user: User) -> list[Cell]:
    """The values of ``attributes``; empty where the profile has none."""
    return [_cell(attribute, profile.attributes, user) for attribute in attributes]


def key_for(profile: Profile, user: User) -> str:
    """The profile's key; masked like any address when it is one."""
    return masked(profile.key, user) if "@" in profile.key else profile.key


def _cell(attribute: Attribute, values: Mapping[str, object], user: User) -> Cell:
    value = values.get(attribute.name)
    if isinstance(value, bool):  # tells nothing about who it is
        return Cell(attribute.name, attribute.data_type, _("Yes") if value else _("No"))
    text = number(value) if isinstance(value, int | float) else str(value or "")
    return Cell(attribute.name, attribute.data_type, masked(text, user))


def _rank(name: str) -> tuple[int, str]:
    folded = name.casefold()
    return next((at for at, word in enumerate(_TELLING) if word in folded), len(_TELLING)), folded


def members_csv(segment: Segment) -> Iterator[str]:
    """CSV with everything known of each member, a column for each attribute. Read in steps along the ids, so that
    a million members take no memory and hold no transaction open."""
    names = [attribute.name for attribute in catalog.catalogue()]
    yield csv_lines.BYTE_ORDER_MARK + csv_lines.csv_line(["key", *names])
    members = Profile.objects.filter(memberships__segment=segment).order_by("pk")
    last = 0
    while found := list(members.filter(pk__gt=last).values_list("pk", "key", "attributes")[:_CSV_STEP]):
        for _pk, key, attributes in found:
            yield csv_lines.csv_line([key, *(_csv_value(attributes.get(name)) for name in names)])
        last = found[-1][0]


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)

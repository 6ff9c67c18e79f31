"""Show profiles in lists, pages and CSV downloads: attributes, cells, masked values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_SUMMARY_WORDS = ("mail", "name", "city", "country")


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


def _cell(attribute: Attribute, values: Mapping[str, object], user: User) -> Cell:
    value = values.get(attribute.name)
    if isinstance(value, bool):  # identifies no person
        return Cell(attribute.name, attribute.data_type, _("Yes") if value else _("No"))
    text = number(value) if isinstance(value, int | float) else str(value or "")
    return Cell(attribute.name, attribute.data_type, masked(text, user))


def _rank(name: str) -> tuple[int, str]:
    folded = name.casefold()
    return next((at for at, word in enumerate(_SUMMARY_WORDS) if word in folded), len(_SUMMARY_WORDS)), folded


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


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)

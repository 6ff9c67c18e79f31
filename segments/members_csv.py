"""The members of a segment as a CSV file, written row by row while they are read."""

from collections.abc import Iterator
from typing import Any

from config.platform.web import spreadsheets
from segments import catalog
from segments.models import Profile, Segment

_AT_ONCE = 2000
KEY = "key"


def lines(segment: Segment) -> Iterator[str]:
    """CSV with everything known of each member, a column for each attribute. Read in steps along the ids, so that
    a million members take no memory and hold no transaction open."""
    names = [attribute.name for attribute in catalog.catalogue()]
    yield spreadsheets.BYTE_ORDER_MARK + spreadsheets.line([KEY, *names])
    members = Profile.objects.filter(memberships__segment=segment).order_by("pk")
    last = 0
    while found := list(members.filter(pk__gt=last).values_list("pk", "key", "attributes")[:_AT_ONCE]):
        for _pk, key, attributes in found:
            yield spreadsheets.line([key, *(_cell(attributes.get(name)) for name in names)])
        last = found[-1][0]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)

"""Show the members of a segment by the values of an attribute, as a chart of bars."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.web.formats import number
from segments import catalog
from segments.catalog import Attribute
from segments.models import AttributeType, Segment
from segments.permissions import user_can_see_personal_data
from segments.rules import tree
from segments.store import breakdown
from segments.store.breakdown import Share

# Whose values may name a person: users who see masked data get no breakdown by them.
_MAY_NAME_PERSONS = (AttributeType.TEXT, AttributeType.LIST)


@dataclass(frozen=True)
class Bar:
    """A bar of the chart; ``percent`` of the members, at most 100."""

    label: str
    members: int
    percent: float

    @property
    def width(self) -> str:
        """The width for SVG, which takes no decimal comma."""
        return f"{self.percent:.1f}"


@dataclass(frozen=True)
class BreakdownChart:
    """The chart: the attributes to choose from, the chosen one (None: nothing to show), and its bars."""

    names: Sequence[str]
    chosen: str | None
    bars: Sequence[Bar]


def of_segment(segment: Segment, name: str, user: User) -> BreakdownChart:
    """Return the chart of a segment by the attribute with a name, else by the first attribute of its rules."""
    offered = {each.name: each for each in catalog.attributes() if _may_see(each, user)}
    used = [str(condition.get("attribute")) for condition in tree.conditions(segment.rules)]
    chosen = next((offered[each] for each in (name, *used) if each in offered), None)
    if chosen is None or segment.member_set_id is None:
        return BreakdownChart(list(offered), None, [])
    return BreakdownChart(list(offered), chosen.name, _bars(segment.member_set_id, chosen))


def _may_see(attribute: Attribute, user: User) -> bool:
    return user_can_see_personal_data(user) or attribute.data_type not in _MAY_NAME_PERSONS


def _bars(set_id: int, attribute: Attribute) -> list[Bar]:
    found = breakdown.count_by(set_id, attribute)
    counts = [(_label(share), share.members) for share in found.shares]
    if found.others:
        counts.append((_("Other values"), found.others))
    if found.without_value:
        counts.append((_("No value"), found.without_value))
    total = sum(members for _label, members in counts)
    return [Bar(label, members, 100 * members / total) for label, members in counts]


def _label(share: Share) -> str:
    value = share.value
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, tuple):
        low, high = (number(int(bound) if bound == int(bound) else round(bound, 2)) for bound in value)
        return low if low == high else f"{low} – {high}"
    return str(value)

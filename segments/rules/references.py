"""Find which segments rules refer to, circles of such segments, and the order in which to refresh them. Pure.

A segment whose rules have the condition *is a member of* another segment depends on the members of that segment,
so it is refreshed after it, and no segment may depend on itself.
"""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from django.utils.translation import gettext as _

from segments.rules.tree import Tree, conditions

Trees = Mapping[int, Tree]


class CircularSegments(Exception):
    """Segments depend on themselves; ``path`` has their IDs, the first again as the last."""

    def __init__(self, path: Sequence[int]) -> None:
        super().__init__(f"segments depend on themselves: {' → '.join(map(str, path))}")
        self.path = tuple(path)


def segments_in(tree: Tree) -> frozenset[int]:
    """Return the IDs of the segments that rules refer to."""
    found = [condition["segment"] for condition in conditions(tree) if "segment" in condition]
    return frozenset(segment for segment in found if isinstance(segment, int))


def users_of(segment: int, trees: Trees) -> list[int]:
    """Return the IDs of the segments whose rules refer to a segment, from their rules by ID."""
    return sorted(user for user, tree in trees.items() if segment in segments_in(tree))


def refresh_order(trees: Trees) -> list[int]:
    """Return the IDs of segments so that each follows the segments that it refers to; else by ID. ``trees`` has
    their rules by ID. Raises CircularSegments."""
    sorter = TopologicalSorter({segment: sorted(segments_in(tree)) for segment, tree in sorted(trees.items())})
    try:
        sorter.prepare()
    except CycleError as error:
        # Each of its nodes is one that the next depends on.
        raise CircularSegments(_from_lowest(list(reversed(error.args[1])))) from None
    order: list[int] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += [segment for segment in ready if segment in trees]
        sorter.done(*ready)
    return order


def find_circle(trees: Trees, first: int | None = None) -> tuple[int, ...]:
    """Return the path of a circle of segments, such as (1, 2, 1), or an empty one. It begins with ``first``, if
    that is in the circle: give the segment that is being saved."""
    try:
        refresh_order(trees)
    except CircularSegments as circular:
        path = circular.path
        return tuple(_beginning_with(path, first)) if first in path else path
    return ()


def describe_circle(path: Sequence[int], names: Mapping[int, str]) -> str:
    """Return a sentence for users about a circle, such as “A → B → A”. ``names`` has the names of segments by
    ID."""
    words = " → ".join(names.get(segment, str(segment)) for segment in path)
    return _("A segment cannot depend on its own members: %(path)s.") % {"path": words}


def _from_lowest(path: Sequence[int]) -> Sequence[int]:
    return _beginning_with(path, min(path))


def _beginning_with(path: Sequence[int], first: int | None) -> Sequence[int]:
    inside = path[:-1]
    at = inside.index(first) if first in inside else 0
    return [*inside[at:], *inside[:at], inside[at]]

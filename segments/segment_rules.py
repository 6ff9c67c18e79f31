"""Check and describe rules together with the segments that they refer to."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connection

from segments.catalog import keep_names, types_by_name
from segments.models import Segment
from segments.rules import operators, references
from segments.rules import tree as rule_trees
from segments.rules.tree import InvalidRules, Problem, Tree

_LOCK = 7_365_676_103


def problems(tree: Tree, segment_id: int | None = None) -> list[Problem]:
    """Return every problem of rules: of their conditions, references to segments that do not exist, and a circle
    of segments that refer to each other. ``segment_id`` is the segment that gets the rules; None for a new one."""
    referenced = references.segments_in(tree)
    known = set(Segment.objects.filter(pk__in=referenced).values_list("pk", flat=True)) if referenced else set()
    found = rule_trees.problems(tree, types_by_name(), known)
    if found or not referenced or segment_id is None:
        return found
    trees = dict(Segment.objects.exclude(pk=segment_id).values_list("pk", "rules"))
    circle = references.find_circle(trees | {segment_id: tree}, first=segment_id)
    return [Problem((), references.describe_circle(circle, _names(circle)))] if circle else []


def check(tree: Tree, segment_id: int | None = None) -> None:
    """Check rules before they are saved. Until the transaction ends, no attribute is renamed or deleted, and no
    other rules that refer to segments are saved, so that two users cannot make a circle together. Raises
    InvalidRules."""
    keep_names()
    if references.segments_in(tree):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if found := problems(tree, segment_id):
        raise InvalidRules(found)


def describe(tree: Mapping[str, Any], *, masked: bool = False) -> str:
    """Describe rules in a sentence, with the names of segments. ``masked`` hides values."""
    return describe_all([tree], masked=masked)[0]


def describe_all(trees: Sequence[Mapping[str, Any]], *, masked: bool = False) -> list[str]:
    """Describe the rules of several segments, with at most one query."""
    names = _names(set().union(*map(references.segments_in, trees)))
    return [operators.describe_rules(tree, masked=masked, segment_names=names) for tree in trees]


def segments_by_reference(ids: Collection[int]) -> dict[int, list[Segment]]:
    """Return the segments whose rules refer to each of these segments, by name."""
    referring: dict[int, list[Segment]] = {}
    for segment in Segment.objects.order_by("name"):
        for referenced in references.segments_in(segment.rules).intersection(ids):
            referring.setdefault(referenced, []).append(segment)
    return referring


def _names(ids: Sequence[int] | set[int]) -> dict[int, str]:
    return dict(Segment.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}

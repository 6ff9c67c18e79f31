"""Check and apply the segments of a manifest. Conditions refer to other segments by name, in any order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.utils.translation import gettext as _

from config.console.manifest.document import Problems
from config.console.manifest.rules import plain_rules
from config.console.manifest.specs import SegmentFlags, SegmentSpec, report_line, what_changed
from segments import actions, catalog, refresh
from segments.models import Segment
from segments.rules import references, tree
from segments.rules.tree import InvalidRules

# Stands for a segment of the same file, which has no ID yet.
_IN_FILE = 0


@dataclass(frozen=True)
class _Names:
    """The IDs of segments by name in lower case."""

    ids: Mapping[str, int]

    def resolve(self, rules: Mapping[str, Any]) -> dict[str, Any]:
        """Return rules with IDs in place of names; a name that is not known stays."""
        resolved: dict[str, Any] = dict(rules)
        if "rules" in rules:
            resolved["rules"] = [self.resolve(rule) for rule in rules["rules"]]
        elif "segment" in rules:
            resolved["segment"] = self.ids.get(str(rules["segment"]).lower(), rules["segment"])
        return resolved


def check(specs: Sequence[SegmentSpec], problems: Problems) -> None:
    """Add the problems of the rules of all segments in a file."""
    ids = {spec.name.lower(): _IN_FILE for spec in specs} | _stored()
    types = catalog.types_by_name()
    for spec in specs:
        unknown = {path: name for path, name in _names_in(spec.rules.tree) if name.lower() not in ids}
        for path, name in unknown.items():
            problems.add(spec.rules.line_at(path), _("There is no segment “%(name)s”.") % {"name": name})
        for problem in tree.problems(_Names(ids).resolve(spec.rules.tree), types):
            if problem.path not in unknown:
                problems.add(spec.rules.line_at(problem.path), problem.message)
    chosen = [spec for spec in specs if spec.flags.exclusion]
    for spec in chosen[1:]:
        problems.add(spec.line, _("“%s” is the exclusion segment already. There can be one.") % chosen[0].name)
    try:
        in_order(specs)
    except CycleError as error:
        names: list[str] = error.args[1]  # each is one that the next refers to
        circle = references.describe_circle(range(len(names)), dict(enumerate(reversed(names))))
        problems.add(min(spec.line for spec in specs if spec.name in names), circle)


def in_order(specs: Sequence[SegmentSpec]) -> list[SegmentSpec]:
    """Return segments so that each follows those that its rules refer to. Raises CycleError with their names."""
    by_name = {spec.name.lower(): spec for spec in specs}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for spec in specs:
        names = (name.lower() for _path, name in _names_in(spec.rules.tree))
        sorter.add(spec.name, *(by_name[name].name for name in names if name in by_name))
    return [by_name[name.lower()] for name in sorter.static_order()]


def apply(spec: SegmentSpec, problems: Problems, *, wake_worker: bool) -> str:
    """Create or update a segment; workers refresh a new or changed one. Returns the line of the report."""
    segment = Segment.objects.filter(name__iexact=spec.name).first()
    rules = _Names(_stored()).resolve(spec.rules.tree)
    created = segment is None
    changed: list[str] = []
    notes: list[str] = []
    try:
        if segment is None:
            segment = actions.create_segment(
                name=spec.name,
                description=spec.description or "",
                rules_tree=rules,
                tags=spec.tags or (),
                by=None,
                wake_worker=wake_worker,
            )
        else:
            changed += _unlock(segment, spec.flags)
            changed += _edit(segment, spec, rules, wake_worker=wake_worker)
        locked, notes = _lock(segment, spec.flags)
        changed += locked
    except (actions.RulesLocked, InvalidRules) as refusal:
        problems.add(spec.line, str(refusal))
    if spec.schedule and segment is not None:
        changed += spec.schedule.save_to(refresh.schedule_of(segment), partial(refresh.set_schedule, segment))
    name = segment.name if segment is not None and not changed and not created else spec.name
    return report_line(_("segment"), name, what_changed(changed, created=created), notes)


def _edit(segment: Segment, spec: SegmentSpec, rules: dict[str, Any], *, wake_worker: bool) -> list[str]:
    """Let a segment have the name, description, tags and rules of the file. Returns which of them changed."""
    description = segment.description if spec.description is None else spec.description
    tags = segment.tags if spec.tags is None else list(spec.tags)
    present = segment.name, segment.description, segment.tags, plain_rules(segment.rules, {})
    wanted = spec.name, description, tags, rules
    keys = ("name", "description", "tags", "rules")
    changed = [key for key, was, is_ in zip(keys, present, wanted, strict=True) if was != is_]
    if changed:
        actions.edit_segment(
            segment,
            version=segment.version,
            name=spec.name,
            description=description,
            tags=tags,
            rules_tree=rules if "rules" in changed else segment.rules,
            by=None,
            wake_worker=wake_worker,
        )
    return changed


def _unlock(segment: Segment, flags: SegmentFlags) -> list[str]:
    """Activate a segment and make it dynamic where the file says so: only then can its rules change."""
    changed = []
    if flags.active and not segment.is_active:
        actions.activate_segment(segment, by=None)
        changed.append("active")
    if flags.static is False and segment.is_static:
        actions.make_dynamic(segment, by=None)
        changed.append("static")
    return changed


def _lock(segment: Segment, flags: SegmentFlags) -> tuple[list[str], list[str]]:
    """Deactivate a segment, make it static or the exclusion segment where the file says so. Returns what changed,
    and sentences about what could not be done."""
    changed = []
    if flags.active is False and segment.is_active:
        actions.deactivate_segment(segment, by=None)
        changed.append("active")
    if flags.static and not segment.is_static:
        actions.make_static(segment, by=None)
        changed.append("static")
    is_exclusion = Segment.objects.filter(pk=segment.pk, is_exclusion=True).exists()
    if flags.exclusion is None or flags.exclusion == is_exclusion:
        return changed, []
    try:
        actions.use_as_exclusion(segment, by=None) if flags.exclusion else actions.stop_exclusion(segment, by=None)
    except actions.NotRefreshed:
        return changed, [_("It is not the exclusion segment yet. Apply the file again after its first refresh.")]
    return [*changed, "exclusion"], []


def _stored() -> dict[str, int]:
    return {name.lower(): pk for name, pk in Segment.objects.values_list("name", "pk")}


def _names_in(rules: Mapping[str, Any], path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield the names of segments in rules, each with the path of its condition."""
    for number, rule in enumerate(rules.get("rules", [])):
        if "rules" in rule:
            yield from _names_in(rule, (*path, number))
        elif "segment" in rule:
            yield (*path, number), str(rule["segment"])

"""Plan and apply the segments of a manifest."""

from dataclasses import dataclass
from functools import partial

from django.utils.translation import gettext as _

from config.console.manifest import schedules
from config.console.manifest.document import Problems
from config.console.manifest.report import AppliedEntry, Change
from config.console.manifest.specs import SegmentSpec
from segments import actions, catalog, refresh
from segments.models import Segment
from segments.rules import tree


@dataclass(frozen=True)
class Desired:
    """A segment as the file wants it, checked."""

    spec: SegmentSpec
    existing: Segment | None


def find(name: str) -> Segment | None:
    """Find a segment by name, whatever its case."""
    return Segment.objects.filter(name__iexact=name).first()


def plan(spec: SegmentSpec, problems: Problems) -> Desired | None:
    """Check an entry and return the segment it asks for, or None when its rules cannot be used."""
    found = tree.problems(spec.rules.tree, catalog.types_by_name())
    for problem in found:
        problems.add(spec.rules.line_at(problem.path), problem.message)
    return None if found else Desired(spec, find(spec.name))


def apply(desired: Desired, problems: Problems, *, wake_worker: bool = True) -> AppliedEntry:
    """Create or update a segment; workers refresh a new or changed one."""
    spec, existing = desired.spec, desired.existing
    if existing is None:
        made = actions.create_segment(
            name=spec.name,
            description=spec.description or "",
            rules_tree=spec.rules.tree,
            by=None,
            wake_worker=wake_worker,
        )
        _schedule(made, spec, [])
        return AppliedEntry(_("segment"), spec.name, Change.CREATED)
    description = existing.description if spec.description is None else spec.description
    wished = {"name": spec.name, "description": description, "rules": spec.rules.tree}
    changed = [field for field, value in wished.items() if getattr(existing, field) != value]
    if changed:
        _edit(existing, spec, description, problems, wake_worker=wake_worker)
    _schedule(existing, spec, changed)
    if not changed:
        return AppliedEntry(_("segment"), existing.name, Change.UNCHANGED)
    return AppliedEntry(_("segment"), spec.name, Change.UPDATED, changed)


def _schedule(segment: Segment, spec: SegmentSpec, changed: list[str]) -> None:
    save = partial(refresh.set_schedule, segment)
    schedules.apply_schedule(refresh.schedule_of(segment), spec.schedule, save, changed)


def _edit(
    existing: Segment, spec: SegmentSpec, description: str, problems: Problems, *, wake_worker: bool
) -> None:
    try:
        actions.edit_segment(
            existing,
            version=existing.version,
            name=spec.name,
            description=description,
            rules_tree=spec.rules.tree,
            by=None,
            wake_worker=wake_worker,
        )
    except actions.RulesLocked as rests:
        problems.add(spec.line, str(rests))

"""Apply a manifest: read it, plan it, and apply all of it in one transaction. Segments and the schedule of the
system refresh are planned and applied here."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.console.manifest import connections, exports, specs
from config.console.manifest.document import FileRefused, Problem, Problems
from config.console.manifest.specs import ScheduleSpec, SegmentSpec, report_line, what_changed
from config.console.system_refresh import actions as system_actions
from config.platform.web.versions import Gone, StaleEdit
from connections.actions import NameTaken
from segments import actions, catalog, refresh
from segments.models import Segment
from segments.rules import tree


def apply(
    path: Path, *, dry_run: bool = False, environ: Mapping[str, str] | None = None, wake_worker: bool = True
) -> list[str]:
    """Create or update connections, segments, exports and the system schedule as the manifest at ``path`` says.

    ``dry_run`` changes nothing. ``environ`` stands in for the environment in which references are looked up; then
    the secrets are stored rather than the references. ``wake_worker=False`` leaves the refresh of segments to the
    caller.

    Returns a report with one line for each. Raises FileRefused with every problem; nothing is changed then."""
    problems = Problems(path)
    found = specs.read(path, problems)
    planned_connections = [connections.plan(spec, problems, environ) for spec in found.connections]
    for segment in found.segments:
        _check_rules(segment, problems)
    planned_exports = [exports.plan(spec, found, problems) for spec in found.exports]
    problems.stop_if_any()
    try:
        with transaction.atomic():
            report = [connections.apply(planned, problems) for planned in planned_connections if planned]
            report += [_apply_segment(spec, problems, wake_worker=wake_worker) for spec in found.segments]
            report += [exports.apply(planned, problems) for planned in planned_exports]
            if found.system_refresh is not None:
                report.append(_apply_system_refresh(found.system_refresh))
            problems.stop_if_any()
            transaction.set_rollback(dry_run)
    except (StaleEdit, Gone, NameTaken, IntegrityError, PermissionDenied) as error:
        reason = _("Another user changed the same settings at the same time. Apply the file again.")
        raise FileRefused([Problem(path, 1, reason)]) from error
    return report


def _check_rules(spec: SegmentSpec, problems: Problems) -> None:
    for problem in tree.problems(spec.rules.tree, catalog.types_by_name()):
        problems.add(spec.rules.line_at(problem.path), problem.message)


def _apply_segment(spec: SegmentSpec, problems: Problems, *, wake_worker: bool) -> str:
    """Create or update a segment; workers refresh a new or changed one. Returns the line of the report."""
    segment = Segment.objects.filter(name__iexact=spec.name).first()
    created, changed = segment is None, []
    if segment is None:
        segment = actions.create_segment(
            name=spec.name,
            description=spec.description or "",
            rules_tree=spec.rules.tree,
            by=None,
            wake_worker=wake_worker,
        )
    else:
        description = segment.description if spec.description is None else spec.description
        wanted = {"name": spec.name, "description": description, "rules": spec.rules.tree}
        changed = [field for field, value in wanted.items() if getattr(segment, field) != value]
        if changed:
            try:
                actions.edit_segment(
                    segment,
                    version=segment.version,
                    name=spec.name,
                    description=description,
                    rules_tree=spec.rules.tree,
                    by=None,
                    wake_worker=wake_worker,
                )
            except actions.RulesLocked as locked:
                problems.add(spec.line, str(locked))
    if spec.schedule:
        changed += spec.schedule.save_to(refresh.schedule_of(segment), partial(refresh.set_schedule, segment))
    name = spec.name if changed or created else segment.name
    return report_line(_("segment"), name, what_changed(changed, created=created))


def _apply_system_refresh(spec: ScheduleSpec) -> str:
    """Save the schedule of the system refresh when the file says another one. A bare “off” keeps its times."""
    row = system_actions.load_schedule()
    rule = spec.rule or row.rule or {}
    change = _("unchanged")
    if (row.is_on, row.rule) != (spec.is_on, rule):
        system_actions.save_schedule(is_on=spec.is_on, rule=rule, version=row.version, by=None)
        change = _("updated")
    return report_line(_("schedule"), _("System refresh"), change)

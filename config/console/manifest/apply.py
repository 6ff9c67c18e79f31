"""Apply a manifest: read it, plan it, and apply all of it in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.console.manifest import connections, exports, schedules, segments, specs
from config.console.manifest.document import FileRefused, Problem, Problems
from config.console.manifest.report import Report
from config.console.manifest.schedules import ScheduleSpec
from config.platform.web.versions import Gone, StaleEdit
from connections.actions import NameTaken


@dataclass(frozen=True)
class _Desired:
    connections: list[connections.Desired]
    segments: list[segments.Desired]
    exports: list[exports.Desired]
    system_refresh: ScheduleSpec | None


def apply(
    path: Path, *, dry_run: bool = False, environ: Mapping[str, str] | None = None, wake_worker: bool = True
) -> Report:
    """Create or update connections, segments, exports and the system schedule as the manifest at ``path`` says.

    ``dry_run`` changes nothing. ``environ`` stands in for the environment in which references are looked up; then
    the secrets are stored rather than the references. ``wake_worker=False`` leaves the refresh of segments to the
    caller.

    Returns a report with one entry for each. Raises FileRefused with every problem; nothing is changed then."""
    problems = Problems(path)
    desired = _plan(specs.read(path, problems), problems, environ)
    problems.stop_if_any()
    report = Report()
    try:
        with transaction.atomic():
            _apply_all(desired, report, problems, wake_worker=wake_worker)
            problems.stop_if_any()
            transaction.set_rollback(dry_run)
    except (StaleEdit, Gone, NameTaken, IntegrityError, PermissionDenied) as error:
        reason = _("Another user changed the same settings at the same time. Apply the file again.")
        raise FileRefused([Problem(path, 1, reason)]) from error
    return report


def _plan(found: specs.Specs, problems: Problems, environ: Mapping[str, str] | None) -> _Desired:
    planned_connections = [connections.plan(spec, problems, environ) for spec in found.connections]
    planned_segments = [segments.plan(spec, problems) for spec in found.segments]
    return _Desired(
        connections=[desired for desired in planned_connections if desired is not None],
        segments=[desired for desired in planned_segments if desired is not None],
        exports=[exports.plan(spec, found, problems) for spec in found.exports],
        system_refresh=found.system_refresh,
    )


def _apply_all(desired: _Desired, report: Report, problems: Problems, *, wake_worker: bool) -> None:
    for connection in desired.connections:
        report.things.append(connections.apply(connection, problems))
    for segment in desired.segments:
        report.things.append(segments.apply(segment, problems, wake_worker=wake_worker))
    for export in desired.exports:
        report.things.append(exports.apply(export, problems))
    if desired.system_refresh is not None:
        report.things.append(schedules.apply_system_refresh(desired.system_refresh))

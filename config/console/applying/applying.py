"""A whole file: read, judged, and carried out in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.console.applying import connections, exports, segments, specs, system_refresh
from config.console.applying.problems import FileRefused, Problem, Problems
from config.console.applying.report import Report
from config.console.applying.schedules import ScheduleSpec
from config.platform.web.versions import Gone, StaleEdit
from connections.actions import NameTaken


@dataclass(frozen=True)
class _Wanted:
    connections: list[connections.Wanted]
    segments: list[segments.Wanted]
    exports: list[exports.Wanted]
    system_refresh: ScheduleSpec | None


def apply(
    path: Path, *, dry_run: bool = False, environ: Mapping[str, str] | None = None, wake_worker: bool = True
) -> Report:
    """Make connections, segments, exports and the system schedule as the file says, and report on each. Raises
    FileRefused with every problem; nothing is changed then. ``dry_run`` changes nothing either way. ``environ``
    stands in for the environment where references look, and then the secrets are kept rather than the references;
    ``wake_worker=False`` leaves the drawing of segments to the caller."""
    problems = Problems(path)
    wanted = _judge(specs.read(path, problems), problems, environ)
    problems.stop_if_any()
    report = Report()
    try:
        with transaction.atomic():
            _carry_out(wanted, report, problems, wake_worker=wake_worker)
            problems.stop_if_any()
            transaction.set_rollback(dry_run)
    except (StaleEdit, Gone, NameTaken, IntegrityError, PermissionDenied) as error:
        reason = _("Somebody changed the same things in this very moment. Apply the file again.")
        raise FileRefused([Problem(path, 1, reason)]) from error
    return report


def _judge(found: specs.Specs, problems: Problems, environ: Mapping[str, str] | None) -> _Wanted:
    judged_connections = [connections.judge(spec, problems, environ) for spec in found.connections]
    judged_segments = [segments.judge(spec, problems) for spec in found.segments]
    return _Wanted(
        connections=[wanted for wanted in judged_connections if wanted is not None],
        segments=[wanted for wanted in judged_segments if wanted is not None],
        exports=[exports.judge(spec, found, problems) for spec in found.exports],
        system_refresh=found.system_refresh,
    )


def _carry_out(wanted: _Wanted, report: Report, problems: Problems, *, wake_worker: bool) -> None:
    for connection in wanted.connections:
        report.things.append(connections.carry_out(connection, problems))
    for segment in wanted.segments:
        report.things.append(segments.carry_out(segment, problems, wake_worker=wake_worker))
    for export in wanted.exports:
        report.things.append(exports.carry_out(export, problems))
    if wanted.system_refresh is not None:
        report.things.append(system_refresh.carry_out(wanted.system_refresh))

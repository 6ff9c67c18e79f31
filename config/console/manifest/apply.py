"""Apply a manifest: read it, plan it, and apply all of it in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.console.manifest import connections, exports, prune, segments, specs
from config.console.manifest.current import current_configuration
from config.console.manifest.differences import Difference, compare
from config.console.manifest.document import FileRefused, Problem, Problems
from config.console.manifest.effects import find_affected, lists_by_export
from config.console.manifest.specs import ScheduleSpec, Specs, report_line
from config.console.models import AppliedConfiguration
from config.console.system_refresh import actions as system_actions
from config.platform.audit.record import record
from config.platform.web.versions import Gone, StaleEdit
from connections.actions import NameTaken
from exports.actions.effects import Affected, Effect, effects_of
from segments.models import Segment


@dataclass(frozen=True)
class Applied:
    """What a manifest changed, or would change: the report with a line for each entry, what was and is, and the
    effects on the next runs of exports."""

    report: list[str]
    differences: list[Difference]
    effects: list[Effect] = field(default_factory=list)


def apply(
    path: Path, *, dry_run: bool = False, environ: Mapping[str, str] | None = None, wake_worker: bool = True
) -> list[str]:
    """Apply the manifest at ``path``, see ``apply_manifest``, and return the report."""
    return apply_manifest(path, dry_run=dry_run, environ=environ, wake_worker=wake_worker).report


def apply_manifest(
    path: Path,
    *,
    content: bytes | None = None,
    revision: str | None = None,
    dry_run: bool = False,
    prunes: bool = False,
    with_effects: bool = False,
    environ: Mapping[str, str] | None = None,
    wake_worker: bool = True,
) -> Applied:
    """Create or update connections, segments, exports and the system schedule as the manifest says, which is at
    ``path`` unless ``content`` is given.

    ``dry_run`` changes nothing; ``prunes`` removes what the file does not name. The revision is noted for the
    pages, unless it is None. ``environ`` stands in for the environment in which references are looked up; then
    the secrets are stored rather than the references. ``wake_worker=False`` leaves the refresh of segments to the
    caller. ``with_effects`` computes the plans of the exports that a dry run affects.

    Raises FileRefused with every problem; nothing is changed then."""
    problems = Problems(path)
    found = specs.read(path, problems, content)
    make = partial(_make, found, problems, prunes=prunes, environ=environ, wake_worker=wake_worker)
    try:
        if dry_run and with_effects:
            return _with_effects(make)
        with transaction.atomic():
            applied = make()
            if revision is not None and not dry_run:
                note_applied(path.name, revision, applied.differences)
            transaction.set_rollback(dry_run)
    except (StaleEdit, Gone, NameTaken, IntegrityError, PermissionDenied) as error:
        reason = _("Another user changed the same settings at the same time. Apply the file again.")
        raise FileRefused([Problem(path, 1, reason)]) from error
    return applied


def _with_effects(make: Callable[[], Applied]) -> Applied:
    """Return what the changes of a manifest would be, with their effects on exports. Makes them, and rolls them
    back."""
    made: list[Applied] = []

    def change() -> Affected:
        lists_before = lists_by_export()
        made.append(make())
        return find_affected(made[-1].differences, lists_before)

    effects = effects_of(change)
    return replace(made[0], effects=effects)


def _make(
    found: Specs, problems: Problems, *, prunes: bool, environ: Mapping[str, str] | None, wake_worker: bool
) -> Applied:
    """Make the changes of a manifest, within a transaction. Raises FileRefused."""
    planned_connections = [connections.plan(spec, problems, environ) for spec in found.connections]
    segments.check(found.segments, problems)
    planned_exports = [exports.plan(spec, found, problems) for spec in found.exports]
    problems.stop_if_any()
    before = current_configuration()
    report = [connections.apply(planned, problems) for planned in planned_connections if planned]
    report += [
        segments.apply(spec, problems, wake_worker=wake_worker) for spec in segments.in_order(found.segments)
    ]
    report += [exports.apply(planned, problems) for planned in planned_exports]
    report += exports.apply_triggers(planned_exports, problems)
    if found.system_refresh is not None:
        report.append(_apply_system_refresh(found.system_refresh))
    if prunes:
        report += prune.prune(found, problems)
    problems.stop_if_any()
    return Applied(report, [*compare(before, current_configuration()), *_pending(found)])


def note_applied(file_name: str, revision: str, differences: Sequence[Difference]) -> None:
    """Note that a file was applied, in the audit log too. Its values are not noted: rules can hold addresses."""
    entries = {(difference.section, difference.name) for difference in differences}
    noted = AppliedConfiguration.objects.create(file_name=file_name, revision=revision, changed=len(entries))
    changes: dict[str, tuple[object, object]] = {
        "revision": (None, revision),
        "changed": (None, sorted(f"{section}: {name}" for section, name in entries)),
    }
    record("applied", noted, by=None, changes=changes)


def _pending(found: Specs) -> list[Difference]:
    """Return what the file wants and cannot be yet: a segment excludes no one before its first refresh."""
    names = [spec.name for spec in found.segments if spec.flags.exclusion]
    present = Segment.objects.filter(is_exclusion=True).values_list("name", flat=True).first() or ""
    return [
        Difference("segments", name, "exclusion", False, True)
        for name in names
        if name.casefold() != present.casefold()
    ]


def _apply_system_refresh(spec: ScheduleSpec) -> str:
    """Save the schedule of the system refresh when the file says another one. A bare “off” keeps its times."""
    row = system_actions.load_schedule()
    rule = spec.rule or row.rule or {}
    change = _("unchanged")
    if (row.is_on, row.rule or {}) != (spec.is_on, rule):
        system_actions.save_schedule(is_on=spec.is_on, rule=rule, version=row.version, by=None)
        change = _("updated")
    return report_line(_("schedule"), _("System refresh"), change)

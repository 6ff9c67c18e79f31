"""Read the control group of an export in a manifest: ``control_group``, ``control_percentage`` and
``control_field``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from config.console.manifest.document import Entry, Lined, Problems
from connections.destinations.values import ListDetails
from exports.actions.manage import ExportSettings
from exports.forms import control_fields
from exports.forms.control_fields import ChosenControl
from exports.models import ControlMode, Export, Removal

CONTROL_KEYS = ("control_group", "control_percentage", "control_field")
# How the fields of ExportSettings are called in a file, where that differs.
IN_FILE = {"control_mode": "control_group"}


@dataclass(frozen=True)
class ControlSpec:
    """The three keys of an export, as written; None for what the file does not say. ``entry_line`` is that of the
    export."""

    entry_line: int
    mode: Lined | None
    percentage: Lined | None
    field: Lined | None

    def line_of(self, name: str) -> int:
        """Return the line at which a problem with a field of the form is reported."""
        written = {"control_percentage": self.percentage, "control_field": self.field}.get(name) or self.mode
        return written[1] if written else self.entry_line


def read_control(entry: Entry) -> ControlSpec:
    """Read the three keys of an export's entry."""
    return ControlSpec(entry.line, *(entry.lined(key, most=120) for key in CONTROL_KEYS))


def check_control(spec: ControlSpec, existing: Export | None, problems: Problems) -> None:
    """Add the problems of ``spec`` that can be known before the list is."""
    modes: Sequence[str] = ControlMode.values
    if spec.mode and spec.mode[0] not in modes:
        sentence = _("“%(name)s” must be one of: %(choices)s.")
        problems.add(spec.mode[1], sentence % {"name": "control_group", "choices": ", ".join(modes)})
        return
    chosen = _chosen(spec, existing)
    sentence = _("“%(key)s” requires “%(other)s”.")
    if spec.percentage and chosen.mode == ControlMode.OFF:
        keys = {"key": "control_percentage", "other": "control_group: hold_out"}
        problems.add(spec.percentage[1], sentence % keys)
    if spec.field and chosen.mode != ControlMode.FIELD:
        problems.add(spec.field[1], sentence % {"key": "control_field", "other": "control_group: field"})
    for name, error in control_fields.problems(chosen, None, (), ""):
        problems.add(spec.line_of(name), error)


def with_control(spec: ControlSpec, existing: Export | None, from_file: ExportSettings) -> ExportSettings:
    """Return ``from_file`` with the control group of the file, or else the one that the export has."""
    control = _chosen(spec, existing).settings()
    return replace(
        from_file,
        control_mode=control.mode,
        control_percentage=control.percentage,
        control_field=control.field,
    )


def check_field(settings: ExportSettings, spec: ControlSpec, details: ListDetails, problems: Problems) -> None:
    """Add the problem of a field that the list does not have, or that is used otherwise."""
    chosen = ChosenControl(settings.control_mode, str(settings.control_percentage), settings.control_field)
    mapped = [pair["field"] for pair in settings.mapping]
    mark_field = settings.mark_field if settings.removal == Removal.MARK else ""
    for name, error in control_fields.problems(chosen, details, mapped, mark_field):
        problems.add(spec.line_of(name), error)


def _chosen(spec: ControlSpec, existing: Export | None) -> ChosenControl:
    present = ChosenControl()
    if existing:
        percentage = str(existing.control_percentage)
        present = ChosenControl(existing.control_mode, percentage, existing.control_field)
    return ChosenControl(
        mode=spec.mode[0] if spec.mode else present.mode,
        percentage=spec.percentage[0] if spec.percentage else present.percentage,
        field=spec.field[0] if spec.field else present.field,
    )

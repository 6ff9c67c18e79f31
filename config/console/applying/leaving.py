"""Read what a file says of contacts that leave the segments of an export: ``removal``, ``mark_field``,
``mark_value``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from config.console.applying.document import Entry, Lined
from config.console.applying.problems import Problems
from connections.destinations.base import Destination
from connections.destinations.values import ListDetails
from exports.actions.manage import ExportSettings
from exports.forms import removal_fields
from exports.models import Export, Removal

KEYS = ("removal", "mark_field", "mark_value")


@dataclass(frozen=True)
class LeavingSpec:
    """As it is written; None for what the file does not say. ``entry_line`` is that of the export."""

    entry_line: int
    removal: Lined | None
    mark_field: Lined | None
    mark_value: Lined | None

    @property
    def line(self) -> int:
        """Where to say what is wrong."""
        written = self.mark_field or self.removal or self.mark_value
        return written[1] if written else self.entry_line


def read(entry: Entry) -> LeavingSpec:
    """The three keys of an export's entry."""
    return LeavingSpec(entry.line, *(entry.lined(key, most=100) for key in KEYS))


def judge(spec: LeavingSpec, existing: Export | None, destination: Destination, problems: Problems) -> None:
    """Note what can be said to be wrong before the list is known."""
    offered = [removal.value for removal in removal_fields.offered(destination)]
    if spec.removal and spec.removal[0] not in offered:
        sentence = _("“%(name)s” is one of: %(choices)s.")
        problems.add(spec.removal[1], sentence % {"name": "removal", "choices": ", ".join(offered)})
        return
    marks = _how(spec, existing) == Removal.MARK
    kept = existing.mark_field if existing and existing.removal == Removal.MARK else ""
    if marks and not (spec.mark_field or kept):
        problems.add(spec.line, _("“%s” is missing.") % "mark_field")
    for written, key in ((spec.mark_field, "mark_field"), (spec.mark_value, "mark_value")):
        if written and not marks:
            problems.add(written[1], _("“%s” means something only with “removal: mark”.") % key)


def settings(spec: LeavingSpec, existing: Export | None, said: ExportSettings) -> ExportSettings:
    """Add to ``said`` what becomes of contacts that leave: as the file says, else as it was."""
    how = _how(spec, existing)
    field, value = "", ""
    if how == Removal.MARK:
        kept = existing if existing and existing.removal == Removal.MARK else None
        field = spec.mark_field[0] if spec.mark_field else kept.mark_field if kept else ""
        value = spec.mark_value[0] if spec.mark_value else kept.mark_value if kept else ""
        value = value or str(removal_fields.DEFAULT_MARK)
    return replace(said, removal=how, mark_field=field, mark_value=value)


def looked_up(
    settings: ExportSettings, spec: LeavingSpec, details: ListDetails, problems: Problems
) -> tuple[ExportSettings, Sequence[str]]:
    """The same once the list is known, and what to say of it; a field that cannot be marked in is noted."""
    if settings.removal == Removal.MARK:
        mapped = [pair["field"] for pair in settings.mapping]
        if error := removal_fields.why_not_marked(settings.mark_field, settings.mark_value, details, mapped):
            problems.add(spec.line, error)
    if spec.removal is None:  # whoever chose it then saw whom it reaches
        return settings, []
    everywhere = removal_fields.reaches_everywhere(settings.removal, details)
    notes = [_("Unsubscribing takes people off all lists of the client.")] if everywhere else []
    return replace(settings, unsubscribes_everywhere=everywhere), notes


def _how(spec: LeavingSpec, existing: Export | None) -> str:
    if spec.removal:
        return spec.removal[0]
    return existing.removal if existing else Removal.LEAVE.value

"""Read and apply what exports of a manifest run after: ``after_sources`` and ``after_exports``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from config.console.manifest.document import Entry, Lined, Problems
from exports import policies
from exports.actions.run_after import Predecessors, predecessors_of, set_run_after
from exports.models import Export
from segments.models import DataSource

Named = TypeVar("Named", DataSource, Export)

AFTER_KEYS = ("after_sources", "after_exports")


@dataclass(frozen=True)
class RunAfterSpec:
    """The two keys of an export, as written; None for what the file does not say, which stays as it is."""

    sources: Sequence[Lined] | None
    exports: Sequence[Lined] | None

    @property
    def is_said(self) -> bool:
        return self.sources is not None or self.exports is not None

    @property
    def line(self) -> int:
        """Return the line at which a circle is reported."""
        return next((line for _name, line in self.exports or ()), 1)


def read_run_after(entry: Entry) -> RunAfterSpec:
    """Read the two keys of an export's entry."""
    return RunAfterSpec(*(entry.texts(key) for key in AFTER_KEYS))


def check_run_after(spec: RunAfterSpec, in_file: Iterable[str], problems: Problems) -> None:
    """Add the problems of names that are neither in the file nor in this installation."""
    for name, line in spec.sources or ():
        if not DataSource.objects.filter(name__iexact=name).exists():
            problems.add(line, _("There is no data source “%s” in this installation.") % name)
    exports = {name.casefold() for name in in_file}
    for name, line in spec.exports or ():
        if name.casefold() not in exports and not Export.objects.filter(name__iexact=name).exists():
            problems.add(line, _("There is no export “%s” in this file or in this installation.") % name)


def apply_run_after(name: str, spec: RunAfterSpec, problems: Problems) -> str:
    """Save what the export runs after, once all exports of the file are there. Returns the change as a sentence;
    empty when there is none."""
    export = Export.objects.filter(name__iexact=name).first()
    if export is None or not spec.is_said:
        return ""
    before = predecessors_of(export)
    after = Predecessors(
        before.sources if spec.sources is None else _found(DataSource.objects.all(), spec.sources),
        before.exports if spec.exports is None else _found(Export.objects.all(), spec.exports),
    )
    if before.keys == after.keys:
        return ""
    try:
        set_run_after(export, after, version=export.version, by=None)
    except policies.Refusal as refusal:
        problems.add(spec.line, refusal.sentence)
    return _("runs after %(names)s") % {"names": after.words} if after.names else _("runs after nothing else")


def _found(rows: "QuerySet[Named]", names: Sequence[Lined]) -> list[Named]:
    found = (rows.filter(name__iexact=name).first() for name, _line in names)
    return list({row.pk: row for row in found if row is not None}.values())
